"""What only a GPU can show; skipped where there is none: `pytest -m gpu`."""

import copy
import math
import warnings

import pytest
import torch
from encoders import ARCHITECTURES, tiny_config, tiny_tokenizer
from small_recipes import KINDS, assert_same, build, small_config
from transformers import AutoModelForSequenceClassification, TrainerCallback

from bert_finetune_kit.errors import DeviceMemoryError
from bert_finetune_kit.modeling.attention import attend
from bert_finetune_kit.modeling.attention_parts import plan_attention
from bert_finetune_kit.modeling.unpadding import unpad_encoder, with_packing

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no NVIDIA GPU"),
]
LENGTHS = [3, 9, 9, 20, 70, 300]
TOLERANCES = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}


def plan():
    [part] = plan_attention(LENGTHS, "cuda")
    return part.moved(lambda tensor: tensor.cuda())


def states(dtype):
    generator = torch.Generator("cuda").manual_seed(0)
    shape = (1, 4, sum(LENGTHS), 64)
    return [torch.randn(shape, device="cuda", dtype=dtype, generator=generator).requires_grad_() for _ in range(3)]


def error(values, expected):
    return float(((values.double() - expected).norm() / expected.norm()).detach())


@pytest.mark.parametrize("window", [None, 5])
@pytest.mark.parametrize("dtype", TOLERANCES)
def test_kernels_against_blocks_in_64_bits(dtype, window):
    inputs, part = states(dtype), plan()
    sliding_window = None if window is None else window + 1
    output = attend(None, *inputs, None, sliding_window=sliding_window, parts=[part])[0]
    exact = [tensor.detach().double().requires_grad_() for tensor in inputs]
    expected = attend(None, *exact, None, sliding_window=sliding_window, parts=[part.blocks])[0]
    assert error(output, expected) < TOLERANCES[dtype]
    gradients = torch.autograd.grad(output.double().sin().sum(), inputs)
    for gradient, reference in zip(gradients, torch.autograd.grad(expected.sin().sum(), exact), strict=True):
        assert error(gradient, reference) < 2 * TOLERANCES[dtype]


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_dropout_of_kernels(dtype):
    """The same seed drops the same weights; the mean over many seeds is the output without dropout."""
    inputs, part = [tensor.detach() for tensor in states(dtype)], plan()
    outputs = []
    for seed in (*range(400), 0):
        torch.manual_seed(seed)
        outputs.append(attend(None, *inputs, None, dropout=0.1, parts=[part])[0].double())
    expected = attend(None, *(tensor.double() for tensor in inputs), None, parts=[part.blocks])[0]
    assert torch.equal(outputs[0], outputs[-1])
    alone = error(outputs[0], expected)
    assert error(sum(outputs[:-1]) / 400, expected) == pytest.approx(alone / math.sqrt(400), rel=0.2)


@pytest.mark.parametrize("model_type", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_unpadded_encoders(model_type, dtype):
    torch.manual_seed(0)
    stock = AutoModelForSequenceClassification.from_config(tiny_config(model_type)).to("cuda", dtype).train()
    unpadded = copy.deepcopy(stock)
    if not unpad_encoder(unpadded):
        pytest.skip("its padding is computed")
    lengths = torch.tensor([3, 17, 64, 5, 100, 90])
    mask = (torch.arange(100) < lengths.unsqueeze(1)).long()
    ids = torch.randint(10, stock.config.vocab_size, mask.shape)
    ids = torch.where(mask.bool(), ids, tiny_tokenizer(model_type).pad_token_id)
    results = []
    for model in (stock, unpadded):
        logits = model(input_ids=ids.cuda(), attention_mask=mask.cuda()).logits
        logits.double().square().mean().backward()
        gradients = [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
        results.append((logits.double(), torch.cat(gradients).double()))
    tolerance = 1e-4 if dtype == torch.float32 else 3e-2
    for value, expected in zip(results[1], results[0], strict=True):
        assert error(value, expected) < tolerance


@pytest.mark.parametrize("brings_packing", [True, False])
def test_a_forward_and_backward_waits_for_no_packing_that_a_batch_brings(brings_packing):
    model = AutoModelForSequenceClassification.from_config(tiny_config("bert")).cuda().train()
    assert unpad_encoder(model)
    in_memory = {name: torch.ones(2, 9, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    collator = with_packing(lambda _: in_memory, model, "cuda") if brings_packing else lambda _: in_memory
    batch = {name: value.to("cuda") for name, value in collator([]).items()}
    model(**batch).logits.sum().backward()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        model(**batch).logits.sum().backward()
        torch.cuda.set_sync_debug_mode("default")
    waits = [f"{each.filename}:{each.lineno}" for each in caught if "called a synchronizing" in str(each.message)]
    assert len(waits) == (0 if brings_packing else 1), waits


class Interrupt(TrainerCallback):
    """Ends a training as Ctrl-C does."""

    def on_step_end(self, args, state, control, **_):
        if state.global_step == 3:
            raise KeyboardInterrupt


@pytest.mark.parametrize("precision", [{}, {"tf32": True}, {"bf16": True}, {"fp16": True}])
@pytest.mark.parametrize("kind", KINDS)
def test_recipes_resume_bit_by_bit(tmp_path, dropout_model, kind, precision):
    settings = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "eval_strategy": "no", "use_cpu": False}
    settings |= {"load_best_model_at_end": False, **precision}
    whole = build(kind, dropout_model, tmp_path / "whole", **settings)
    whole.train()
    assert whole.trainer.model.device.type == "cuda"
    with pytest.raises(KeyboardInterrupt):
        build(kind, dropout_model, tmp_path / "parts", callbacks=[Interrupt()], **settings).train()
    build(kind, dropout_model, tmp_path / "parts", **settings).train(resume=True)
    assert_same(tmp_path / "parts", tmp_path / "whole")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch 2.11, once it compiles
@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch hides it, but not where warnings are errors
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
@pytest.mark.parametrize("kind", KINDS)
def test_recipes_compiled(tmp_path, tokenizer, kind, mode):
    """Layer by layer, also in CUDA graphs: the same losses, and a stock model that is evaluated."""
    torch.compiler.reset()
    settings = {"max_steps": 12, "save_strategy": "no", "eval_strategy": "no", "use_cpu": False, "logging_steps": 1}
    settings |= {"load_best_model_at_end": False, "bf16": True, "gradient_accumulation_steps": 1}
    reports = [
        build(kind, small_config(tokenizer), tmp_path / str(number), tokenizer=tokenizer, **settings, **further).train()
        for number, further in enumerate([{}, {"torch_compile": True, "torch_compile_mode": mode}])
    ]
    for name, tolerance in (("loss", 2e-2), ("grad_norm", 5e-2)):
        values, expected = ([log[name] for log in report.history if name in log] for report in reports[::-1])
        assert len(expected) == settings["max_steps"]
        assert values == pytest.approx(expected, rel=tolerance)
    assert reports[1].result


def test_a_batch_that_does_not_fit(tmp_path, dropout_model):
    taken = torch.cuda.memory_allocated() + 20 * 2**20
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(taken / torch.cuda.mem_get_info()[1])
    try:
        recipe = build("classification", dropout_model, tmp_path, per_device_train_batch_size=256, use_cpu=False)
        with pytest.raises(DeviceMemoryError, match=r"per_device_train_batch_size is 256 .* try 128"):
            recipe.train()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
