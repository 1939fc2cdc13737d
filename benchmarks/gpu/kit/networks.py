"""Whole training steps: gather a batch from data on the device, forward, loss, backward, update.
Our step is one recorded list of calls of the C ABI; PyTorch's runs eagerly and compiled, each also
as a CUDA graph.

First the losses and the parameters after some steps are checked against PyTorch in fp64 or, without
PyTorch, against our own CPU backend."""

import ctypes

import timing
from arrays import Buffer
from halfstep import Device
from kernels import SIZE, compiled

STEPS = 5  # number of steps that are checked
# Limits of the relative error of the losses, and of the error of the parameters relative to their
# change.
LIMITS = {"F32": (1e-4, 0.01), "BF16": (0.03, 0.2)}


class Network:
    """A network of layers: ("conv", in, out): 3 x 3, "same" padding, ReLU; ("pool",): 2 x 2 max
    pooling; ("linear", in, out, relu)."""

    def __init__(self, name, image, layers, adam, batch, kind, samples):
        self.name = f"{name} step, batch {batch}, {kind}"
        self.image, self.layers, self.adam = image, layers, adam
        self.batch, self.kind, self.samples = batch, kind, samples
        self.classes = layers[-1][2]
        self.rate = 0.001 if adam else 0.1
        self.segments = []  # (offset, shape) in the arena: weights, bias, weights ...
        self.count, self.flops = 0, 0
        h, w = image[:2]
        for layer in layers:
            if layer[0] == "pool":
                h, w = h // 2, w // 2
                continue
            window = (3, 3) if layer[0] == "conv" else ()
            places = h * w * 9 if layer[0] == "conv" else 1
            passes = 2 if layer is layers[0] else 3  # the data needs no gradient
            self.flops += 2 * batch * places * layer[1] * layer[2] * passes
            self._segment((layer[2], *window, layer[1]))
            self._segment((layer[2],))
        # Bytes of the update only: the activations of networks this small stay in the caches.
        self.bytes = self.count * ((28 if adam else 12) + (0 if kind == "F32" else 2))

    def _segment(self, shape):
        self.segments.append((self.count, shape))
        size = 1
        for extent in shape:
            size *= extent
        self.count = -(-(self.count + size) // 16) * 16

    def data(self, xp):
        parameters = xp.zeros((self.count,), "F32")
        for offset, shape in self.segments:
            if len(shape) > 1:  # biases begin at zero
                fan_in = 1
                for extent in shape[1:]:
                    fan_in *= extent
                values = xp.normal((shape[0] * fan_in,), "F32", (2 / fan_in) ** 0.5)
                parameters[offset : offset + values.shape[0]] = values
        return {
            "x": xp.normal((self.samples, *self.image), "F32"),
            "labels": xp.integers(self.classes, (self.samples,)),
            "order": xp.permutation(self.samples),
            "parameters": parameters,
        }

    def run(self, comparison, case, row):
        xp, torch = comparison.arrays, comparison.torch
        data = self.data(xp)
        ours = OurStep(self, comparison.device, xp, data)
        found = ours.train(STEPS)
        if torch:
            expected = TorchStep(self, torch, data, torch.float64).train(STEPS)
        else:
            cpu = Device(comparison.library, "cpu")
            expected = OurStep(self, cpu, xp, data).train(STEPS)
            cpu.close()
        before = xp.f64(data["parameters"])
        row["detail"] = difference(self.kind, before, expected, found, xp)
        row["status"] = "failed" if row["detail"] else "passed"
        if row["detail"]:
            return
        ours = OurStep(self, comparison.device, xp, data)
        comparison.tell("ours")
        row["ours"] = timing.ours(comparison.clock, comparison.device, [ours.step],
                                  comparison.synchronize)

        def measure(name):
            theirs = TorchStep(self, torch, data, torch.float32)
            if name == "compiled":
                theirs.loss = compiled(self, torch, theirs.loss)
            # Autocast rounds in more places than we do.
            wrong = difference(self.kind, before, expected, theirs.train(STEPS), xp, 2)
            if wrong:
                raise ValueError(wrong)
            return timing.peer(comparison.clock, torch, [theirs.step], comparison.synchronize)

        names = ("eager", "compiled") if torch else ()
        comparison.measure_peers(row, names, measure, self.bytes, self.flops, self.kind)


def difference(kind, before, expected, found, xp, times=1):
    """Describes what is wrong with losses and parameters after training, or returns ""; the limits
    are multiplied by `times`."""
    loss_limit, parameter_limit = (times * limit for limit in LIMITS[kind])
    for step, (want, got) in enumerate(zip(expected[0], found[0])):
        if not abs(got - want) <= loss_limit * abs(want):
            return f"the loss of step {step} is {got:g}, expected {want:g}"
    moved = expected[1] - before
    off = float(((found[1] - expected[1]) ** 2).sum() ** 0.5 / (moved**2).sum() ** 0.5)
    if not off <= parameter_limit:
        return f"the parameters are off by {off:g} of what they moved"
    return ""


class OurStep:
    """The step as calls of the C ABI; `step` enqueues it."""

    CAPACITY = 64  # records in the ring

    def __init__(self, net, device, xp, data):
        self.net, self.device, self.xp, self.lib = net, device, xp, device.library
        self.type = getattr(self.lib, "HS_" + net.kind)
        self.kept = {}
        kinds = {"x": "F32", "labels": "I32", "order": "I32", "parameters": "F32"}
        self.at = {name: self.buffer(name, xp.clone(data[name]), kind)
                   for name, kind in kinds.items()}
        for name in ("gradients", "m", "v"):
            self.at[name] = self.buffer(name, xp.zeros((net.count,), "F32"), "F32")
        self.at["copy"] = self.at["parameters"]
        if net.kind != "F32":
            self.at["copy"] = self.buffer("copy", xp.zeros((net.count,), net.kind), net.kind)
            device.call("hs_cast", self.lib.HS_F32, self.at["parameters"], self.type,
                        self.at["copy"], net.count)
        record = ctypes.sizeof(self.lib.header.structs["hs_step_record"])
        self.at["ring"] = self.buffer("ring", xp.zeros((self.CAPACITY * record,), "U8"), "U8")
        layout = self.lib.header.structs["hs_step_state"]
        size = ctypes.sizeof(layout)
        self.at["state"] = self.buffer("state", xp.zeros((size,), "U8"), "U8")
        device.call("hs_fill", self.lib.HS_F32, self.at["state"] + layout.loss_scale.offset, 1, 1.0)
        self.forward, self.backward = [], []
        self._plan()
        xp.synchronize()

    def buffer(self, name, values, kind):
        self.kept[name] = Buffer(self.device, self.xp, values, kind)
        return self.kept[name].address

    def array(self, *shape, kind=None):
        kind = kind or self.net.kind
        return self.buffer(len(self.kept), self.xp.zeros(shape, kind), kind)

    def weights(self, index):
        """Addresses of a layer: the weights that kernels read, the bias, the gradients of both."""
        weight, bias = self.net.segments[2 * index][0], self.net.segments[2 * index + 1][0]
        return (self.at["copy"] + weight * SIZE[self.net.kind], self.at["parameters"] + 4 * bias,
                self.at["gradients"] + 4 * weight, self.at["gradients"] + 4 * bias)

    def enqueue(self, calls, name, *arguments):
        calls.append(lambda: self.device.call(name, *arguments))

    def _plan(self):
        net, lib = self.net, self.lib
        (h, w, channels), n = net.image, net.batch
        row_size = h * w * channels
        x, labels = self.array(n, h, w, channels), self.array(n, kind="I32")
        for source, target, kinds, width in (
            (self.at["x"], x, (lib.HS_F32, self.type), row_size),
            (self.at["labels"], labels, (lib.HS_I32, lib.HS_I32), 1),
        ):
            desc = lib.struct("hs_gather_desc", src_type=kinds[0], dst_type=kinds[1],
                              src_rows=net.samples, row_size=width, batch=n,
                              order_size=net.samples, channels=width)
            self.enqueue(self.forward, "hs_gather", desc, source, self.at["order"],
                         self.at["state"], 0, 0, target)
        trained, dx = 0, 0  # layers with weights; address of the gradient of x, 0 for the data
        for layer in net.layers:
            backward = []
            if layer[0] == "pool":
                x, dx, h, w = self._pool(backward, h, w, channels, x, dx)
            elif layer[0] == "conv":
                x, dx = self._conv(backward, trained, h, w, *layer[1:], x, dx)
                channels = layer[2]
            else:
                x, dx = self._linear(backward, trained, *layer[1:], x, dx)
            trained += layer[0] != "pool"
            self.backward = backward + self.backward
        desc = lib.struct("hs_cross_entropy_desc", type=self.type, rows=n, classes=net.classes,
                          ignore_label=-1, gradient_seed=1 / n)
        self.enqueue(self.forward, "hs_cross_entropy", desc, x, labels, 0, self.at["state"], dx, 0)
        self._update()

    def _pool(self, backward, h, w, channels, x, dx):
        n, lib = self.net.batch, self.lib
        y, dy = (self.array(n, h // 2, w // 2, channels) for _ in range(2))
        index = self.array(n, h // 2, w // 2, channels, kind="U8")
        desc = lib.struct("hs_pool2d_desc", pool=lib.HS_MAX_POOL, type=self.type, n=n, h=h, w=w,
                          c=channels, r=2, s=2, stride_h=2, stride_w=2)
        self.enqueue(self.forward, "hs_pool2d", desc, x, y, index)
        self.enqueue(backward, "hs_pool2d_backward", desc, dy, index, dx)
        return y, dy, h // 2, w // 2

    def _conv(self, backward, index, h, w, c, k, x, dx):
        n, lib = self.net.batch, self.lib
        weights, bias, d_weights, d_bias = self.weights(index)
        y, dy = (self.array(n, h, w, k) for _ in range(2))
        desc = lib.struct("hs_conv2d_desc", type=self.type, n=n, h=h, w=w, c=c, k=k, r=3, s=3,
                          stride_h=1, stride_w=1, pad_h=1, pad_w=1, dilation_h=1, dilation_w=1,
                          groups=1, activation=lib.HS_RELU)
        self.enqueue(self.forward, "hs_conv2d", desc, x, weights, bias, 0, y)
        self.enqueue(backward, "hs_activation_backward", lib.HS_RELU, self.type, n * h * w * k, dy,
                     y, dy)
        self.enqueue(backward, "hs_conv2d_backward_weights", desc, x, dy, 0.0, d_weights, d_bias)
        if dx:
            self.enqueue(backward, "hs_conv2d_backward_data", desc, dy, weights, 0.0, dx)
        return y, dy

    def _matmul(self, calls, m, n, k, transposed, ld, operands, bias=0, d_bias=0, **options):
        transpose_a, transpose_b = transposed
        desc = self.lib.struct("hs_matmul_desc", type=self.type, out_type=self.type, batch=1, m=m,
                               n=n, k=k, transpose_a=transpose_a, transpose_b=transpose_b,
                               lda=ld[0], ldb=ld[1], ldc=n, alpha=1)
        for name, value in options.items():
            setattr(desc, name, value)
        self.enqueue(calls, "hs_matmul", desc, *operands, bias, 0, d_bias)

    def _linear(self, backward, index, width, out, relu, x, dx):
        n, lib = self.net.batch, self.lib
        weights, bias, d_weights, d_bias = self.weights(index)
        y, dy = (self.array(n, out) for _ in range(2))
        self._matmul(self.forward, n, out, width, (0, 1), (width, width), (x, weights, y), bias,
                     activation=lib.HS_RELU if relu else lib.HS_NONE)
        if relu:
            self.enqueue(backward, "hs_activation_backward", lib.HS_RELU, self.type, n * out, dy, y,
                         dy)
        self._matmul(backward, out, width, n, (1, 0), (out, width), (dy, x, d_weights),
                     d_bias=d_bias, out_type=lib.HS_F32)
        if dx:
            self._matmul(backward, n, width, out, (0, 0), (out, width), (dy, weights, dx))
        return y, dy

    def _update(self):
        net, lib, at = self.net, self.lib, self.at
        desc = lib.struct("hs_optimizer_desc", rule=lib.HS_ADAM if net.adam else lib.HS_SGD,
                          beta2=0.999, eps=1e-8, learning_rate=net.rate,
                          momentum=0.9 if net.adam else 0, weight_units=net.batch,
                          copy_type=self.type if net.kind != "F32" else lib.HS_BF16)
        moments = (at["m"], at["v"]) if net.adam else (0, 0)
        copy = at["copy"] if net.kind != "F32" else 0
        self.enqueue(self.backward, "hs_optimizer_step", desc, net.count, at["parameters"],
                     at["gradients"], *moments, copy, at["state"], 0, 0, 0, 0)
        self.enqueue(self.backward, "hs_micro_step_end", at["state"], net.batch)
        self.enqueue(self.backward, "hs_step_end", at["state"], 0, None, at["ring"], self.CAPACITY)

    def step(self):
        for call in self.forward + self.backward:
            call()

    def train(self, steps):
        """The losses and the parameters after `steps` launches of the recorded step."""
        recorded = self.device.record(self.step)
        self.device.launch(recorded, steps)
        layout = self.lib.header.structs["hs_step_record"]
        values = self.kept["ring"].values()
        records = (layout * self.CAPACITY).from_buffer_copy(bytes(values.tolist()))
        self.device.forget(recorded)
        losses = [records[i].loss_sum / records[i].weight for i in range(steps)]
        return losses, self.xp.f64(self.kept["parameters"].values())


class TorchStep:
    """The same step in PyTorch, with parameters in `dtype`; BF16 uses autocast, as users do."""

    def __init__(self, net, torch, data, dtype):
        self.net, self.torch, self.dtype = net, torch, dtype
        self.data, self.labels = data["x"].to(dtype), data["labels"].long()
        self.order = data["order"].long()
        self.offsets = torch.arange(net.batch, device=self.order.device)
        self.cursor = torch.zeros((), dtype=torch.long, device=self.order.device)
        self.parameters = []
        for offset, shape in net.segments:
            size = 1
            for extent in shape:
                size *= extent
            values = data["parameters"][offset : offset + size].to(dtype).clone().reshape(shape)
            # PyTorch's convolution weights have the shape KCRS; channels_last stores them as KRSC.
            values = values.permute(0, 3, 1, 2) if len(shape) == 4 else values
            self.parameters.append(torch.nn.Parameter(values))
        cuda = self.order.is_cuda
        options = {"fused": True} if cuda and dtype == torch.float32 else {}
        if net.adam:
            options |= {"capturable": True} if cuda else {}
            self.optimizer = torch.optim.Adam(self.parameters, lr=net.rate, **options)
        else:
            self.optimizer = torch.optim.SGD(self.parameters, lr=net.rate, **options)
        self.mixed = net.kind == "BF16" and dtype == torch.float32
        self.losses = []

    def loss(self, x, labels):
        F = self.torch.nn.functional
        x = x.permute(0, 3, 1, 2)
        parameters = iter(self.parameters)
        flat = False
        for layer in self.net.layers:
            if layer[0] == "pool":
                x = F.max_pool2d(x, 2)
            elif layer[0] == "conv":
                x = F.relu(F.conv2d(x, next(parameters), next(parameters), padding=1))
            else:
                if not flat:
                    x, flat = x.permute(0, 2, 3, 1).flatten(1), True
                x = F.linear(x, next(parameters), next(parameters))
                x = F.relu(x) if layer[3] else x
        return F.cross_entropy(x, labels)

    def step(self):
        torch, net = self.torch, self.net
        rows = self.order[(self.cursor + self.offsets) % net.samples]
        place = "cuda" if rows.is_cuda else "cpu"
        with torch.autocast(place, dtype=torch.bfloat16, enabled=self.mixed):
            loss = self.loss(self.data[rows], self.labels[rows])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self.cursor.add_(net.batch)
        return loss

    def train(self, steps):
        losses = [float(self.step().detach()) for _ in range(steps)]
        arena = self.torch.zeros(self.net.count, dtype=self.torch.float64, device=self.order.device)
        for (offset, shape), parameter in zip(self.net.segments, self.parameters):
            values = parameter.detach().double()
            values = values.permute(0, 2, 3, 1) if len(shape) == 4 else values
            arena[offset : offset + values.numel()] = values.reshape(-1)
        return losses, arena


def mlp(batch, kind, sizes=(1000, 100, 2), samples=8192):
    features, hidden, classes = sizes
    layers = [("linear", features, hidden, True), ("linear", hidden, classes, False)]
    name = "MLP " + "-".join(map(str, sizes))
    return Network(name, (1, 1, features), layers, False, batch, kind, samples)


def cnn(batch, kind, size=28, channels=(32, 64), hidden=128, samples=8192):
    first, second = channels
    flat = (size // 4) ** 2 * second
    layers = [("conv", 1, first), ("pool",), ("conv", first, second), ("pool",),
              ("linear", flat, hidden, True), ("linear", hidden, 10, False)]
    name = f"CNN of {size} x {size} images"
    return Network(name, (size, size, 1), layers, True, batch, kind, samples)


def network_cases(family, rehearsal):
    """MNIST's CNN and the batch-size study's MLP; smaller networks for a rehearsal."""
    if rehearsal:
        made = mlp(4, "F32", (24, 16, 2), 32), mlp(4, "BF16", (24, 16, 2), 32)
        return made if family == "mlp" else (cnn(2, "F32", 8, (8, 16), 16, 8),)
    if family == "mlp":
        return [mlp(batch, kind) for batch in (32, 128, 1024) for kind in ("F32", "BF16")]
    return [cnn(batch, kind) for batch in (64, 256) for kind in ("F32", "BF16")]
