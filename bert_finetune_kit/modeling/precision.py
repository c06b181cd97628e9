"""Of which type the weights are that a training changes."""

from torch import float32, nn


def precision_notes(model: nn.Module) -> tuple[str, ...]:
    """Return a note where weights that are trained have fewer bits than float32."""
    kinds = {parameter.dtype for parameter in model.parameters() if parameter.requires_grad} - {float32}
    kinds = {kind for kind in kinds if kind.is_floating_point and kind.itemsize < float32.itemsize}
    if not kinds:
        return ()
    names = " and ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
    return (
        f"the weights are {names}, and are trained and saved so: a step that is smaller than a rounding changes "
        "nothing. For full precision load the model with dtype=torch.float32; bf16=True in the Trainer's arguments "
        "then computes in 16 bits",
    )
