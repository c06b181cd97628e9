"""Where text comes from: the Hub, local files, memory, or the bundled sample."""
