"""Arrays for the comparison: PyTorch's if it is installed, otherwise NumPy's, with the few
operations that references need. Both take axis= and keepdims=, so each reference is written only
once.

A typed array holds values already rounded to F32, BF16 or F16; NumPy has no BF16 and keeps such
values in float32."""

import math


class TorchArrays:
    name = "torch"

    def __init__(self, backend):
        import torch

        self.torch = torch
        self.rounds = backend != "cpu"
        self.place = "cuda" if backend == "cuda" else "cpu"
        # The devices on which our kernels can use the memory of PyTorch's or NumPy's arrays
        # directly.
        self.shared = self.place == "cuda"
        self.types = {
            "F32": torch.float32,
            "BF16": torch.bfloat16,
            "F16": torch.float16,
            "I32": torch.int32,
            "U8": torch.uint8,
            "F64": torch.float64,
        }
        self.allow_tf32(False)
        torch.backends.cudnn.benchmark = True
        self._random = torch.Generator(device=self.place)
        self._random.manual_seed(1)
        for name in ("abs", "sqrt", "exp", "log", "amax", "sum", "isnan"):
            setattr(self, name, getattr(torch, name))

    def allow_tf32(self, allowed):
        """Whether PyTorch may round operands of F32 to TF32."""
        self.torch.backends.cuda.matmul.allow_tf32 = allowed
        self.torch.backends.cudnn.allow_tf32 = allowed

    def tf32(self, x):
        """Rounds F32 to TF32, as products do if TF32 is allowed: to nearest, ties away from
        zero."""
        if not self.rounds:
            return x
        bits = x.contiguous().view(self.torch.int32) + 0x1000
        return (bits & -0x2000).view(self.torch.float32)

    def synchronize(self):
        if self.shared:
            self.torch.cuda.synchronize()

    def normal(self, shape, type_name, deviation=1.0):
        values = self.torch.randn(shape, generator=self._random, device=self.place)
        return (values * deviation).to(self.types[type_name])

    def integers(self, high, shape):
        values = self.torch.randint(high, shape, generator=self._random, device=self.place)
        return values.to(self.torch.int32)

    def permutation(self, count):
        order = self.torch.randperm(count, generator=self._random, device=self.place)
        return order.to(self.torch.int32)

    def poisoned(self, shape, type_name):
        value = math.nan if type_name[0] in "BF" else 255 if type_name == "U8" else -1
        return self.torch.full(shape, value, dtype=self.types[type_name], device=self.place)

    def zeros(self, shape, type_name):
        return self.torch.zeros(shape, dtype=self.types[type_name], device=self.place)

    def f64(self, x):
        return x.to(self.torch.float64)

    def onehot(self, labels, classes):
        return self.torch.nn.functional.one_hot(labels.long(), classes).double()

    def clone(self, x):
        return x.clone()

    # The bytes of an array in host memory, for devices with separate memory.
    def address(self, x):
        return x.data_ptr()

    def bytes(self, x):
        return x.numel() * x.element_size()

    def pack(self, x, type_name):
        return x.contiguous()

    def unpack(self, packed, type_name):
        return packed


class NumpyArrays:
    name = "numpy"
    shared = False

    def __init__(self, backend):
        if backend == "cuda":
            raise RuntimeError("on cuda the comparison needs PyTorch, which is not installed")
        import numpy

        self.numpy = numpy
        self.rounds = backend != "cpu"
        self._random = numpy.random.default_rng(1)
        self.stored = {
            "F32": numpy.float32,
            "BF16": numpy.uint16,
            "F16": numpy.float16,
            "I32": numpy.int32,
            "U8": numpy.uint8,
            "F64": numpy.float64,
        }
        for name in ("abs", "sqrt", "exp", "log", "amax", "sum", "isnan"):
            setattr(self, name, getattr(numpy, name))

    def allow_tf32(self, allowed):
        pass

    def tf32(self, x):
        if not self.rounds:
            return x
        bits = self.numpy.ascontiguousarray(x).view(self.numpy.int32) + self.numpy.int32(0x1000)
        return (bits & self.numpy.int32(-0x2000)).view(self.numpy.float32)

    def synchronize(self):
        pass

    def normal(self, shape, type_name, deviation=1.0):
        values = self._random.standard_normal(shape, dtype=self.numpy.float32)
        values *= self.numpy.float32(deviation)
        return self.unpack(self.pack(values, type_name), type_name)

    def integers(self, high, shape):
        return self._random.integers(high, size=shape, dtype=self.numpy.int32)

    def permutation(self, count):
        return self._random.permutation(count).astype(self.numpy.int32)

    def poisoned(self, shape, type_name):
        value = math.nan if type_name[0] in "BF" else 255 if type_name == "U8" else -1
        dtype = self.numpy.float32 if type_name == "BF16" else self.stored[type_name]
        return self.numpy.full(shape, value, dtype=dtype)

    def zeros(self, shape, type_name):
        dtype = self.numpy.float32 if type_name == "BF16" else self.stored[type_name]
        return self.numpy.zeros(shape, dtype=dtype)

    def f64(self, x):
        return x.astype(self.numpy.float64)

    def onehot(self, labels, classes):
        return self.numpy.eye(classes)[labels]

    def clone(self, x):
        return x.copy()

    def address(self, x):
        return x.ctypes.data

    def bytes(self, x):
        return x.nbytes

    def pack(self, x, type_name):
        """The bits of the values in the type, rounded to nearest, ties to even."""
        if type_name != "BF16":
            return self.numpy.ascontiguousarray(x, dtype=self.stored[type_name])
        bits = self.numpy.ascontiguousarray(x, dtype=self.numpy.float32).view(self.numpy.uint32)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
        rounded = self.numpy.where(self.numpy.isnan(x), 0x7FC0, rounded)
        return rounded.astype(self.numpy.uint16)

    def unpack(self, packed, type_name):
        if type_name != "BF16":
            return packed
        return (packed.astype(self.numpy.uint32) << 16).view(self.numpy.float32)


def make_arrays(backend):
    """PyTorch's arrays if it is installed, otherwise NumPy's."""
    try:
        return TorchArrays(backend)
    except ImportError:
        return NumpyArrays(backend)


class Buffer:
    """An array in the memory of a device. On cuda it is the PyTorch tensor itself."""

    def __init__(self, device, arrays, values, type_name):
        self._device, self._arrays, self._type = device, arrays, type_name
        self._values = arrays.pack(values, type_name)
        if arrays.shared:
            arrays.synchronize()  # our stream does not wait for PyTorch's
            self.address = arrays.address(self._values)
        else:
            size = arrays.bytes(self._values)
            self.address = device.allocate(size)
            device.call("hs_upload", self.address, arrays.address(self._values), size)

    def values(self):
        """The present values of the array on the device."""
        self._device.synchronize()
        if not self._arrays.shared:
            size = self._arrays.bytes(self._values)
            host = self._arrays.address(self._values)
            self._device.call("hs_download", host, self.address, size)
        return self._arrays.unpack(self._values, self._type)

    def release(self):
        if not self._arrays.shared:
            self._device.free(self.address)
