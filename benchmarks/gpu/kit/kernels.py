"""The kernels that are compared: for each its shapes, our call, the fp64 reference with its bounds,
and the calls that a user of PyTorch would make. Activations are NHWC on both sides (channels_last
for PyTorch).

Each kernel is a class: `inputs` and `outputs` make its arrays with their types; `ours` returns a
function that makes our call on their addresses; `reference` returns the outputs in fp64 with a
bound for each element; `peers` returns functions that make PyTorch's calls, by name, and return the
outputs that they compute."""

from ctypes import c_float

SIZE = {"F32": 4, "BF16": 2, "F16": 2}
UNIT = {"F32": 2.0**-24, "BF16": 2.0**-8, "F16": 2.0**-11}
U = 2.0**-24  # unit roundoff of FP32, in which all sums are accumulated


def rounded(kind, reference, slack):
    """The error bound of an output: `slack` for the arithmetic in FP32, plus the rounding to the
    type."""
    return slack + 1.01 * UNIT[kind] * abs(reference)


def compiled(case, torch, function):
    """torch.compile of the function for the shapes of this case, once for all its sets of
    arrays."""
    if not hasattr(case, "compiled"):
        # Without this the second case of a family would be compiled for any shape, which is slower.
        torch.compiler.reset()
        case.compiled = torch.compile(function, dynamic=False)
    return case.compiled


class Matmul:
    """C = A B for each matrix of a batch. With `tf32` both sides may round F32 to TF32."""

    def __init__(self, batch, m, n, k, kind, tf32=False):
        self.batch, self.m, self.n, self.k, self.kind = batch, m, n, k, kind
        self.tf32 = tf32
        self.name = f"matmul {batch} x ({m} x {n} x {k}) {'TF32' if tf32 else kind}"
        self.bytes = batch * (m * k + k * n + m * n) * SIZE[kind]
        self.flops = 2 * batch * m * n * k

    def inputs(self, xp):
        a = xp.normal((self.batch, self.m, self.k), self.kind)
        b = xp.normal((self.batch, self.k, self.n), self.kind)
        return {"a": (a, self.kind), "b": (b, self.kind)}

    def outputs(self, xp):
        return {"c": (xp.poisoned((self.batch, self.m, self.n), self.kind), self.kind)}

    def ours(self, device, at):
        lib, m, n, k = device.library, self.m, self.n, self.k
        kind = getattr(lib, "HS_" + self.kind)
        desc = lib.struct("hs_matmul_desc", type=kind, out_type=kind, batch=self.batch, m=m, n=n,
                          k=k, lda=k, ldb=n, ldc=n, stride_a=m * k, stride_b=k * n,
                          stride_c=m * n, alpha=1)
        return lambda: device.call("hs_matmul", desc, at["a"], at["b"], at["c"], 0, 0, 0)

    def reference(self, xp, x):
        a, b = (xp.f64(xp.tf32(x[name]) if self.tf32 else x[name]) for name in "ab")
        c, size = a @ b, xp.abs(a) @ xp.abs(b)
        return {"c": (c, rounded(self.kind, c, 4 * U * (self.k + 1) ** 0.5 * size))}

    def peers(self, torch, x, out):
        a, b, c = (t[0] if self.batch == 1 else t for t in (x["a"], x["b"], out["c"]))

        def product():
            torch.matmul(a, b, out=c)
            return out

        return {"eager": lambda: product}


class CrossEntropy:
    """Loss and gradient of the mean over the rows."""

    def __init__(self, rows, classes, kind):
        self.rows, self.classes, self.kind = rows, classes, kind
        self.name = f"cross-entropy {rows} x {classes} {kind}, loss and gradient"
        self.bytes = 2 * rows * classes * SIZE[kind] + 8 * rows
        self.flops = 0

    def inputs(self, xp):
        logits = xp.normal((self.rows, self.classes), self.kind, 3)
        labels = xp.integers(self.classes, (self.rows,))
        return {"x": (logits, self.kind), "labels": (labels, "I32")}

    def outputs(self, xp):
        dx = xp.poisoned((self.rows, self.classes), self.kind)
        return {"dx": (dx, self.kind), "loss": (xp.poisoned((self.rows,), "F32"), "F32")}

    def ours(self, device, at):
        lib = device.library
        desc = lib.struct("hs_cross_entropy_desc", type=getattr(lib, "HS_" + self.kind),
                          rows=self.rows, classes=self.classes, ignore_label=-1,
                          gradient_seed=1 / self.rows)
        arguments = (desc, at["x"], at["labels"], 0, 0, at["dx"], at["loss"])
        return lambda: device.call("hs_cross_entropy", *arguments)

    def reference(self, xp, x):
        logits, hot = xp.f64(x["x"]), xp.onehot(x["labels"], self.classes)
        shifted = logits - xp.amax(logits, axis=1, keepdims=True)
        e = xp.exp(shifted)
        total = xp.sum(e, axis=1, keepdims=True)
        loss = (xp.log(total) - xp.sum(shifted * hot, axis=1, keepdims=True))[:, 0]
        dx = (e / total - hot) / self.rows
        largest = float(xp.amax(xp.abs(logits), axis=(0, 1)))
        # The error of a probability is relative to it, because of exp; the label's also to 1.
        slack = 64 * U * (1 + largest) * (e / total + hot) / self.rows
        return {
            "loss": (loss, 64 * U * (1 + largest + xp.abs(loss))),
            "dx": (dx, rounded(self.kind, dx, slack)),
        }

    def peers(self, torch, x, out):
        logits, labels = x["x"].detach().requires_grad_(), x["labels"].long()

        def loss(logits, labels):
            return torch.nn.functional.cross_entropy(logits, labels)

        def gradient(function):
            def run():
                (dx,) = torch.autograd.grad(function(logits, labels), logits)
                return {"dx": dx}

            return run

        return {
            "eager": lambda: gradient(loss),
            "compiled": lambda: gradient(compiled(self, torch, loss)),
        }


class BatchNorm:
    """The forward pass in training and, if `backward`, the gradients after it."""

    def __init__(self, n, h, w, channels, kind, backward):
        self.shape, self.kind, self.backward = (n, h, w, channels), kind, backward
        self.rows, self.channels = n * h * w, channels
        self.name = f"batch norm {n} x {h} x {w} x {channels} {kind}, forward"
        self.name += " and backward" if backward else ""
        self.bytes = self.rows * channels * SIZE[kind] * (5 if backward else 2)
        self.flops = 0

    def inputs(self, xp):
        c = self.channels
        given = {"x": (xp.normal(self.shape, self.kind), self.kind)}
        if self.backward:
            given["dy"] = (xp.normal(self.shape, self.kind), self.kind)
        given["gamma"] = (xp.normal((c,), "F32"), "F32")
        given["beta"] = (xp.normal((c,), "F32"), "F32")
        return given

    def outputs(self, xp):
        made = {"y": (xp.poisoned(self.shape, self.kind), self.kind)}
        for name in ("mean", "invstd") + (("dgamma", "dbeta") if self.backward else ()):
            made[name] = (xp.poisoned((self.channels,), "F32"), "F32")
        for name in ("running_mean", "running_variance"):
            made[name] = (xp.zeros((self.channels,), "F32"), "F32")
        if self.backward:
            made["dx"] = (xp.poisoned(self.shape, self.kind), self.kind)
        return made

    def ours(self, device, at):
        lib = device.library
        desc = lib.struct("hs_batch_norm_desc", type=getattr(lib, "HS_" + self.kind), eps=1e-5,
                          rows=self.rows, channels=self.channels, momentum=0.1)
        forward = (desc, at["x"], at["gamma"], at["beta"], 0, at["y"], at["running_mean"],
                   at["running_variance"], at["mean"], at["invstd"])
        if not self.backward:
            return lambda: device.call("hs_batch_norm_training", *forward)
        back = (desc, at["dy"], at["x"], 0, at["gamma"], at["mean"], at["invstd"], at["dx"], 0,
                at["dgamma"], at["dbeta"], 0.0)

        def both():
            device.call("hs_batch_norm_training", *forward)
            device.call("hs_batch_norm_backward", *back)

        return both

    def reference(self, xp, x):
        v = xp.f64(x["x"]).reshape(self.rows, self.channels)
        gamma, beta = xp.f64(x["gamma"]), xp.f64(x["beta"])
        mean = v.sum(axis=0) / self.rows
        variance = ((v - mean) ** 2).sum(axis=0) / self.rows
        invstd = 1 / xp.sqrt(variance + 1e-5)
        normal = (v - mean) * invstd
        y = (normal * gamma + beta).reshape(self.shape)
        slack = 32 * U * (xp.abs(normal * gamma) + xp.abs(gamma) + xp.abs(beta))
        found = {"y": (y, rounded(self.kind, y, slack.reshape(self.shape)))}
        if not self.backward:
            return found
        dy = xp.f64(x["dy"]).reshape(self.rows, self.channels)
        dbeta, dgamma = dy.sum(axis=0), (dy * normal).sum(axis=0)
        dx = gamma * invstd * (dy - dbeta / self.rows - normal * dgamma / self.rows)
        size = xp.abs(gamma * invstd) * (xp.abs(dy) + 1 + xp.abs(normal))
        dx = dx.reshape(self.shape)
        found["dx"] = (dx, rounded(self.kind, dx, 64 * U * size.reshape(self.shape)))
        sums = 8 * U * self.rows**0.5
        found["dbeta"] = (dbeta, sums * xp.abs(dy).sum(axis=0))
        found["dgamma"] = (dgamma, sums * xp.abs(dy * normal).sum(axis=0))
        return found

    def peers(self, torch, x, out):
        # As with autocast: x is in its type, the parameters are in FP32.
        v = x["x"].detach().permute(0, 3, 1, 2)
        gamma, beta = x["gamma"].detach(), x["beta"].detach()
        mean, variance = torch.zeros_like(gamma), torch.ones_like(gamma)
        if self.backward:
            v, gamma, beta = v.requires_grad_(), gamma.requires_grad_(), beta.requires_grad_()
            dy = x["dy"].permute(0, 3, 1, 2)

        def norm(v, mean, variance, gamma, beta):
            return torch.nn.functional.batch_norm(v, mean, variance, gamma, beta, True)

        def step(function):
            def run():
                y = function(v, mean, variance, gamma, beta)
                found = {"y": y.detach().permute(0, 2, 3, 1)}
                if self.backward:
                    gradients = torch.autograd.grad(y, (v, gamma, beta), dy)
                    found["dx"] = gradients[0].permute(0, 2, 3, 1)
                    found["dgamma"], found["dbeta"] = gradients[1:]
                return found

            return run

        return {
            "eager": lambda: step(norm),
            "compiled": lambda: step(compiled(self, torch, norm)),
        }


class AdamW:
    """One update of a flat arena; if `checked`, after the finite check, unscaling and clipping."""

    # Rounded to float, as in the descriptor: 1 - BETA2 differs from its value in fp64.
    RATE, DECAY, BETA1, BETA2, EPS = (c_float(v).value for v in (1e-3, 0.01, 0.9, 0.999, 1e-8))
    SCALE, CLIP = 1024.0, 1.0

    def __init__(self, count, checked):
        self.count, self.checked, self.kind = count, checked, "F32"
        self.name = f"AdamW of {count} parameters, BF16 copy"
        self.name += ", with unscaling and clipping" if checked else ""
        self.bytes = count * (34 if checked else 30)
        self.flops = 0

    def inputs(self, xp):
        return {"g": (xp.normal((self.count,), "F32", self.SCALE if self.checked else 1), "F32")}

    def outputs(self, xp):
        made = {name: (xp.normal((self.count,), "F32"), "F32") for name in ("p", "m")}
        made["v"] = (xp.normal((self.count,), "F32") ** 2, "F32")
        made["copy"] = (xp.poisoned((self.count,), "BF16"), "BF16")
        made["state"] = (xp.zeros((64,), "F32"), "F32")
        return made

    def ours(self, device, at):
        lib = device.library
        desc = lib.struct("hs_optimizer_desc", rule=lib.HS_ADAMW, beta2=self.BETA2, eps=self.EPS,
                          learning_rate=self.RATE, momentum=self.BETA1, weight_decay=self.DECAY,
                          weight_units=1, checked=int(self.checked),
                          copy_type=lib.HS_BF16)
        state = at["state"] if self.checked else 0
        step = (desc, self.count, at["p"], at["g"], at["m"], at["v"], at["copy"], state, 0, 0, 0, 0)
        if not self.checked:
            return lambda: device.call("hs_optimizer_step", *step)
        layout = lib.header.structs["hs_step_state"]
        # One unit of weight, and the loss scale with which the gradients were multiplied.
        device.call("hs_fill", lib.HS_F64, state + layout.weight.offset, 1, 1.0)
        device.call("hs_fill", lib.HS_F32, state + layout.loss_scale.offset, 1, self.SCALE)

        def both():
            device.call("hs_gradient_check", self.count, at["g"], state, 1.0, self.CLIP)
            device.call("hs_optimizer_step", *step)

        return both

    def reference(self, xp, x):
        g, p, m, v = (xp.f64(x[name]) for name in ("g", "p", "m", "v"))
        if self.checked:
            g = g / self.SCALE
            g = g * min(1.0, self.CLIP / (float(xp.sqrt(xp.sum(g * g))) + 1e-6))
        m1, v1 = m + (1 - self.BETA1) * (g - m), self.BETA2 * v + (1 - self.BETA2) * g * g
        divisor = (1 - self.BETA1) * (xp.sqrt(v1 / (1 - self.BETA2)) + self.EPS)
        q = p - self.RATE * self.DECAY * p - self.RATE * m1 / divisor
        slack = 16 * U * (xp.abs(p) + self.RATE * (xp.abs(m) + xp.abs(g)) / divisor)
        return {
            "p": (q, slack),
            "m": (m1, 16 * U * (xp.abs(m) + xp.abs(g))),
            "v": (v1, 16 * U * (v + g * g)),
            "copy": (q, rounded("BF16", q, slack)),
        }

    def peers(self, torch, x, out):
        p, gradient = torch.nn.Parameter(out["p"]), x["g"]
        copy = torch.empty_like(p, dtype=torch.bfloat16)
        options = {"fused": True, "capturable": True} if p.is_cuda else {}
        optimizer = torch.optim.AdamW([p], lr=self.RATE, betas=(self.BETA1, self.BETA2),
                                      eps=self.EPS, weight_decay=self.DECAY, **options)
        step = torch.zeros((), device=p.device)
        optimizer.state[p] = {"step": step, "exp_avg": out["m"], "exp_avg_sq": out["v"]}

        def update():
            p.grad = gradient
            if self.checked:
                p.grad = gradient * (1 / self.SCALE)
                torch.nn.utils.clip_grad_norm_([p], self.CLIP)
            optimizer.step()
            copy.copy_(p.detach())
            return {"p": p.detach(), "m": out["m"], "v": out["v"]}

        return {"fused" if p.is_cuda else "eager": lambda: update}


class Convolution:
    """A convolution with a square window and "same" padding, or one of its gradients."""

    GIVEN = {"forward": "xw", "data": "yw", "weights": "xy"}
    COMPUTED = {"forward": "y", "data": "x", "weights": "w"}

    def __init__(self, n, size, c, k, window, kind, pass_name):
        self.n, self.size, self.c, self.k, self.window = n, size, c, k, window
        self.kind, self.pad = kind, window // 2
        self.given, self.computed = self.GIVEN[pass_name], self.COMPUTED[pass_name]
        self.out_kind = "F32" if self.computed == "w" else kind
        self.name = f"convolution {n} x {size} x {size} x {c} to {k}, window {window}, {kind}, "
        self.name += pass_name
        image = (n, size, size)
        self.shapes = {"x": (*image, c), "y": (*image, k), "w": (k, window, window, c)}
        pixels, weights = n * size * size, k * window * window * c
        self.flops = 2 * pixels * weights
        weight_size = SIZE[self.out_kind] if self.computed == "w" else SIZE[kind]
        self.bytes = pixels * (c + k) * SIZE[kind] + weights * weight_size

    def inputs(self, xp):
        return {name: (xp.normal(self.shapes[name], self.kind), self.kind) for name in self.given}

    def outputs(self, xp):
        made = xp.poisoned(self.shapes[self.computed], self.out_kind)
        return {self.computed: (made, self.out_kind)}

    def ours(self, device, at):
        lib = device.library
        desc = lib.struct("hs_conv2d_desc", type=getattr(lib, "HS_" + self.kind), n=self.n,
                          h=self.size, w=self.size, c=self.c, k=self.k, r=self.window,
                          s=self.window, stride_h=1, stride_w=1, pad_h=self.pad, pad_w=self.pad,
                          dilation_h=1, dilation_w=1, groups=1)
        x, y, w = at["x"], at["y"], at["w"]
        name, arguments = {
            "y": ("hs_conv2d", (desc, x, w, 0, 0, y)),
            "x": ("hs_conv2d_backward_data", (desc, y, w, 0.0, x)),
            "w": ("hs_conv2d_backward_weights", (desc, x, y, 0.0, w, 0)),
        }[self.computed]
        return lambda: device.call(name, *arguments)

    def _exact(self, xp, x):
        """The result in fp64: the sum of one matrix product for each tap of the window."""
        size, pad = self.size, self.pad
        padded = xp.zeros((self.n, size + 2 * pad, size + 2 * pad, self.c), "F64")
        inner = padded[:, pad : pad + size, pad : pad + size]
        if self.computed == "x":
            result = inner
        else:
            inner[:] = x["x"]
            result = xp.zeros(self.shapes[self.computed], "F64")
        for r in range(self.window):
            for s in range(self.window):
                seen = padded[:, r : r + size, s : s + size]
                if self.computed == "y":
                    result += seen @ x["w"][:, r, s].T
                elif self.computed == "x":
                    seen += x["y"] @ x["w"][:, r, s]
                else:
                    dy = x["y"].reshape(-1, self.k)
                    result[:, r, s] = dy.T @ seen.reshape(-1, self.c)
        return result

    def reference(self, xp, x):
        given = {name: xp.f64(x[name]) for name in self.given}
        result = self._exact(xp, given)
        size = self._exact(xp, {name: xp.abs(value) for name, value in given.items()})
        sum_of = {"y": self.window**2 * self.c, "x": self.window**2 * self.k,
                  "w": self.n * self.size**2}
        slack = 4 * U * (sum_of[self.computed] + 1) ** 0.5 * size
        return {self.computed: (result, rounded(self.out_kind, result, slack))}

    def peers(self, torch, x, out):
        views = {name: x[name].permute(0, 3, 1, 2) for name in self.given}
        for name in "xyw":  # arrays that it does not read only need a shape
            views.setdefault(name, torch.empty_like(x[self.given[0]]).resize_(self.shapes[name])
                             .permute(0, 3, 1, 2))
        pad, wanted = [self.pad, self.pad], [self.computed == "x", self.computed == "w", False]

        def forward():
            y = torch.nn.functional.conv2d(views["x"], views["w"], padding=self.pad)
            return {"y": y.permute(0, 2, 3, 1)}

        def backward():
            found = torch.ops.aten.convolution_backward(
                views["y"], views["x"], views["w"], None, [1, 1], pad, [1, 1], False, [0, 0], 1,
                wanted)
            return {self.computed: found[wanted.index(True)].permute(0, 2, 3, 1)}

        return {"eager": lambda: forward if self.computed == "y" else backward}
