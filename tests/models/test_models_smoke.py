import numpy as np, pytest, torch
from xaikit.abilities import *
from xaikit.data.dataset import Dataset, Column
from xaikit.models.training import train
from xaikit.models.checkpoint import save_model, load_model
from xaikit.types import *
from xaikit.question import *
from xaikit.models.zoo import ZOO


def toy(mod, n=24, seed=0, task="classification"):
    r = np.random.default_rng(seed)
    out = []
    for i in range(n):
        y = i % 3
        if mod == "image":
            x = r.random((8, 12, 2)).astype(np.float32) * 0.5
            x[:, y * 4 : (y + 1) * 4] += 0.4
        elif mod == "series":
            x = r.normal(size=(20, 2)).astype(np.float32)
            x[y * 6 : y * 6 + 6] += 2
        elif mod == "table":
            x = np.array([r.normal() + y, r.normal(), float(y), r.integers(0, 2)])
        else:
            x = np.array(
                [["good", "bad", "so"][y]]
                + list(r.choice(["the", "a", "film", "영화", "was", "x"], r.integers(1, 6)))
            )
        out.append(Sample(f"s{i}", x, mod, y))
    cols = (
        (Column("a"), Column("b"), Column("c", ("u", "v", "w")), Column("d", ("n", "y")))
        if mod == "table"
        else ()
    )
    return Dataset(
        "toy",
        mod,
        "classification",
        ("p", "q", "r"),
        tuple(out),
        tuple(out[:6]),
        tuple(out[:6]),
        cols,
    )


CELLS = [(n, m) for n in ZOO for m in ZOO.get(n).modalities]


@pytest.mark.parametrize("name,mod", CELLS)
def test_all(name, mod, tmp_path):
    d = toy(mod)
    st = torch.random.get_rng_state()
    kw = {"patch": 4} if name == "vit_small" else {}
    m = train(name, d, epochs=2, progress=False, batch_size=8, **kw)
    s = m.scores(d.inputs("test"))
    save_model(m, tmp_path / "m")
    l = load_model(tmp_path / "m")
    assert np.array_equal(l.scores(d.inputs("test")), s)
    assert torch.equal(st, torch.random.get_rng_state())
    print(abilities_of(m))
    x = d.test[0].x
    r = np.random.default_rng(1)
    grid = d.test[0].grid
    ids = r.integers(-1, 3, grid)
    ids.flat[:3] = [0, 1, 2] if ids.size >= 3 else [0]
    if ids.size < 3:
        return
    refs = (
        np.stack([d.train[1].x, d.train[2].x]) if mod != "text" else np.full((1, len(x)), "[MASK]")
    )
    masks = r.random((7, 3)) < 0.5
    masks[0] = False
    for drops in [False, True] if mod == "text" else [False]:

        class P:  # scores only
            id, modality, classes, space, background, info = (
                m.id,
                m.modality,
                m.classes,
                m.space,
                None,
                {},
            )

            def scores(self, xs):
                return m.scores(xs)

        seg = Segmentation(ids, ("a", "b", "c"), "t")
        q = [Question(k, d.test[0], seg, Masker("m", refs, drops), Target(1)) for k in (m, P())]
        a, b = (k.value(masks) for k in q)
        assert np.allclose(a, b, atol=1e-5), np.abs(a - b).max()
    leaf = m.leaf(d.inputs("test"))
    rows = torch.tensor([3, 0, 0, 5])
    out = leaf.forward(leaf.at[rows], rows)
    assert np.allclose(out.detach().double().numpy(), s[rows.numpy()], atol=1e-5)
    at = leaf.at[rows].requires_grad_()
    (g,) = torch.autograd.grad(leaf.forward(at, rows)[:, 0].sum(), at)
    f = leaf.fold(g * at.detach(), rows)
    assert [v.shape for v in f] == [d.test[i].grid for i in rows.tolist()]
    assert np.allclose([v.sum() for v in f], (g * at.detach()).flatten(1).sum(1).numpy(), atol=1e-4)
    if isinstance(m, Spatial):
        try:
            a = m.activations(d.inputs("test"))
            print(a.layer, a.at.shape, a.cell)
            (g,) = torch.autograd.grad(a.scores[:, 0].sum(), a.at)
            assert np.allclose(a.scores.detach(), s, atol=1e-4)
            assert [v.shape for v in a.fold((g * a.at).sum(1))] == [t.grid for t in d.test]
        except TypeError as e:
            print(e)
    if isinstance(m, Attentive):
        a = m.attention(d.inputs("test"))
        g = torch.autograd.grad(a.scores[:, 0].sum(), a.weights)
        print([w.shape for w in a.weights], a.read)
        assert [v.shape for v in a.fold(a.weights[-1].mean(1)[:, 0])] == [t.grid for t in d.test]
