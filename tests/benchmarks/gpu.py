"""Fifty epochs of PRCNN on a GPU, with the data resident on it, and the GRU's share of the time.

The paper: 6,400 training clips, 50 epochs, "about 15 minutes on a GPU". Run on any machine with
one, without the dataset (clips are made up, and learnable, so that a falling loss shows that
training takes place)::

    KERAS_BACKEND=torch python tests/benchmarks/gpu.py
    KERAS_BACKEND=jax python tests/benchmarks/gpu.py

writes ``book/results/gpu_<backend>.json``. torch uses cuDNN's GRU and replays every step as one
CUDA graph where it can be captured; JAX compiles an epoch, but has no cuDNN GRU. The data never
leave the device: an epoch is a permutation made there. ``--clips 64 --epochs 2 --batch-size 8``
tries it out on a CPU. With ``--data-home FOLDER``, where ``fma_small_images`` lies, ``beyond`` is
trained on it with five seeds in the same call.
"""

import argparse
import time
from pathlib import Path

import keras
import numpy as np

from prcnn import models
from prcnn.study import experiment, results

BACKEND = keras.backend.backend()
GOAL = 20.0  # seconds for 50 epochs of 6,400 clips on an H200


def clips(n, shape, n_genres=8):
    """``n`` clips of noise, each with one louder band that tells its genre; on the device."""
    y = np.arange(n) % n_genres
    louder = np.zeros((n_genres, 1, shape[1]), "float32")
    for genre in range(n_genres):
        louder[genre, 0, genre * shape[1] // n_genres :][: shape[1] // n_genres] = 1.0
    X = keras.random.normal((n, *shape), seed=0)
    places = keras.ops.convert_to_tensor(y.astype("int32"))
    return X + keras.ops.take(keras.ops.convert_to_tensor(louder), places, axis=0), places


def torch_trainer(model, X, y, batch_size):
    """A function that trains for an epoch and returns the mean loss, and how it runs its steps."""
    import torch

    parameters = [variable.value for variable in model.trainable_variables]
    cuda = X.device.type == "cuda"
    # torch's own: Keras's optimizer makes numbers on the host, which a graph cannot record.
    optimizer = torch.optim.RMSprop(parameters, 5e-4, alpha=0.9, eps=1e-7, capturable=cuda)
    x_batch, y_batch = X[:batch_size].clone(), y[:batch_size].clone().long()
    total = torch.zeros((), device=X.device)

    def step():
        optimizer.zero_grad()
        p = model(x_batch, training=True)
        loss = torch.nn.functional.nll_loss(torch.log(p.clamp_min(1e-7)), y_batch)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            total.add_(loss.detach())

    how = "eager"
    if cuda:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
        try:
            step, how = _captured(step), "CUDA graph"
        except RuntimeError as error:
            torch.cuda.synchronize()
            how = f"eager ({str(error).splitlines()[0]})"

    def epoch():
        total.zero_()
        order = torch.randperm(len(X), device=X.device).reshape(-1, batch_size)
        for places in order:
            torch.index_select(X, 0, places, out=x_batch)
            y_batch.copy_(torch.index_select(y, 0, places))
            step()
        return float(total) / len(order)  # waits for the device

    return epoch, how


def _captured(step):
    """``step`` as one CUDA graph, warmed up on a stream of its own as torch asks."""
    import torch

    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def jax_trainer(model, X, y, batch_size):
    """As :func:`torch_trainer`, an epoch being one compiled scan over its batches."""
    import jax

    loss_of, optimizer = keras.losses.SparseCategoricalCrossentropy(), _optimizer(model)

    def epoch_of(state, X, y, key):
        def step(state, places):
            trainable, other, memory = state

            def forward(trainable):
                p, after = model.stateless_call(trainable, other, X[places], training=True)
                return loss_of(y[places], p), after

            (loss, other), gradients = jax.value_and_grad(forward, has_aux=True)(trainable)
            trainable, memory = optimizer.stateless_apply(memory, gradients, trainable)
            return (trainable, other, memory), loss

        order = jax.random.permutation(key, len(X)).reshape(-1, batch_size)
        state, losses = jax.lax.scan(step, state, order)
        return state, losses.mean()

    compiled = jax.jit(epoch_of, donate_argnums=0)
    groups = model.trainable_variables, model.non_trainable_variables, optimizer.variables
    state = tuple([variable.value for variable in group] for group in groups)
    key = jax.random.key(0)

    def epoch():
        nonlocal state, key
        key, use = jax.random.split(key)
        state, loss = compiled(state, X, y, use)
        return float(loss)

    return epoch, "compiled epoch"


def _optimizer(model):
    optimizer = keras.optimizers.RMSprop(5e-4)
    optimizer.build(model.trainable_variables)
    return optimizer


def device():
    """The device's name as its own library gives it."""
    if BACKEND == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    import jax

    return jax.devices()[0].device_kind


def measure(name, n, epochs, batch_size):
    """Seconds of every epoch of network ``name``, of getting ready, and the losses."""
    began = time.perf_counter()
    model = models.build(name)
    X, y = clips(n, model.input_shape[1:])
    trainer = {"torch": torch_trainer, "jax": jax_trainer}[BACKEND]
    epoch, how = trainer(model, X, y, batch_size)
    ready, seconds, losses = time.perf_counter() - began, [], []
    for _ in range(epochs):
        began = time.perf_counter()
        losses.append(epoch())
        seconds.append(time.perf_counter() - began)
    return {
        "steps": how,
        "getting_ready": ready,
        "first_epoch": seconds[0],
        "later_epoch": float(np.median(seconds[1:])),
        "all_epochs": sum(seconds),
        "first_loss": losses[0],
        "last_loss": losses[-1],
    }


def seeds_of_beyond(data_home, seeds, epochs, out):
    """``beyond`` trained on FMA-small's pictures by its own recipe: a report a seed."""
    runs = []
    for seed in range(seeds):
        run = experiment.run(
            "fma_small_images",
            "beyond",
            data_home=data_home,
            seed=seed,
            epochs=epochs,
            out=Path(out) / f"beyond-{seed}",
        )
        runs.append({name: run[name] for name in ("seed", "epoch_kept", "seconds", "predicted")})
        runs[-1] |= {split: run[split]["accuracy"] for split in ("validation", "test")}
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=6400)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--out", default=results.FOLDER, help="folder of the result")
    parser.add_argument("--data-home", help="has fma_small_images: trains beyond on it, too")
    parser.add_argument("--seeds", type=int, default=5, help="of beyond")
    parser.add_argument("--beyond-epochs", type=int, default=20)
    parser.add_argument("--runs", default="runs/gpu", help="folder of the runs of beyond")
    options = parser.parse_args()
    if BACKEND not in ("torch", "jax"):
        parser.error(f"the backend is {BACKEND}: set KERAS_BACKEND to torch or jax")
    if options.clips % options.batch_size or options.epochs < 2:
        parser.error("--clips is a multiple of --batch-size, and --epochs at least 2")
    sizes = options.clips, options.epochs, options.batch_size
    paper = measure("paper", *sizes)
    parts = ("rnn", "cnn5", "beyond")
    parts = {name: measure(name, options.clips, 3, options.batch_size) for name in parts}
    record = {
        "backend": BACKEND,
        "device": device(),
        "clips": options.clips,
        "epochs": options.epochs,
        "batch_size": options.batch_size,
        "paper_seconds": paper["getting_ready"] + paper["all_epochs"],
        "goal_seconds": GOAL,
        "paper": paper,
        "alone": parts,
        "share_of_gru": parts["rnn"]["later_epoch"] / paper["later_epoch"],
    }
    if options.data_home:
        record["beyond"] = seeds_of_beyond(
            options.data_home, options.seeds, options.beyond_epochs, options.runs
        )
    path = results.write(f"gpu_{BACKEND}", record, folder=options.out)
    print(
        f"{record['device']}, {BACKEND}, {paper['steps']}: {options.epochs} epochs of "
        f"{options.clips} clips in {record['paper_seconds']:.1f} s; the RNN alone takes "
        f"{record['share_of_gru']:.0%} of an epoch; loss {paper['first_loss']:.3f} → "
        f"{paper['last_loss']:.3f}. Written to {path}"
    )


if __name__ == "__main__":
    main()
