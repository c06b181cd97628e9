from bert_finetune_kit.training.sampling import EpochSampler


def keys(sampler, epoch):
    sampler.set_epoch(epoch)
    return list(sampler)


def test_every_example_once_in_an_order_of_its_epoch():
    sampler = EpochSampler(100, seed=1)
    first, second = keys(sampler, 0), keys(sampler, 1)
    assert sorted(index for _, index, _ in first) == list(range(100))
    assert {epoch for epoch, _, _ in second} == {1}
    assert [index for _, index, _ in first] != [index for _, index, _ in second]
    assert [index for _, index, _ in first] != list(range(100))
    assert keys(EpochSampler(100, seed=1), 1) == second
    assert keys(EpochSampler(100, seed=2), 1) != second


def test_the_last_batch_is_filled_with_examples_that_do_not_count():
    sampler = EpochSampler(10, seed=1, multiple_of=8)
    drawn = keys(sampler, 0)
    assert len(drawn) == len(sampler) == 16
    assert [in_loss for *_, in_loss in drawn] == [True] * 10 + [False] * 6
    assert sorted(index for _, index, in_loss in drawn if in_loss) == list(range(10))


def test_fewer_examples_than_one_batch():
    assert [in_loss for *_, in_loss in keys(EpochSampler(3, seed=1, multiple_of=8), 0)] == [True] * 3 + [False] * 5
