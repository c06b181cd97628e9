"""What the kit uses of other libraries beyond their public interface, one module a library."""
