"""The C ABI of Halfstep through ctypes. Types and functions are read from halfstep.h itself, so
that they always agree with it; `python3 halfstep.py halfstep.h` checks their layout with the C
compiler."""

import ctypes
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SCALARS = {
    "char": ctypes.c_char,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
}

DECLARATION = re.compile(
    r"typedef struct (?P<struct>\w+) \{(?P<fields>[^}]*)\} (?P=struct);"
    r"|typedef struct \w+\* (?P<handle>\w+);"
    r"|typedef (?P<type>\w+) (?P<alias>\w+);"
    r"|enum \{(?P<values>[^}]*)\};"
    r"|HS_API (?P<result>[\w ]+\*?) (?P<function>\w+)\((?P<arguments>[^)]*)\);"
)


class Header:
    """The declarations of halfstep.h: `types` (including structs), `constants`, `functions`."""

    def __init__(self, text):
        self.types = dict(SCALARS)
        self.structs = {}
        self.constants = {}
        self.functions = {}  # name -> (result type, [argument types])
        version = re.search(r"#define HS_ABI_VERSION (\d+)", text)
        self.constants["HS_ABI_VERSION"] = int(version.group(1))
        text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
        text = re.sub(r"^#.*(\\\n.*)*$", " ", text, flags=re.M)
        text = re.sub(r"\s+", " ", text)
        for found in DECLARATION.finditer(text):
            self._add(found)

    def _add(self, found):
        if found["struct"]:
            name = found["struct"]
            fields = self._fields(found["fields"])
            self.types[name] = type(name, (ctypes.Structure,), {"_fields_": fields})
            self.structs[name] = self.types[name]
        elif found["handle"]:
            self.types[found["handle"]] = ctypes.c_void_p
        elif found["alias"]:
            self.types[found["alias"]] = self.types[found["type"]]
        elif found["values"]:
            for value in filter(None, map(str.strip, found["values"].split(","))):
                name, number = value.split("=")
                self.constants[name.strip()] = int(number)
        else:
            arguments = [a.strip() for a in found["arguments"].split(",")]
            types = [] if arguments == ["void"] else [self._argument(a) for a in arguments]
            self.functions[found["function"]] = (self._argument(found["result"] + " _"), types)

    def _fields(self, text):
        fields = []
        for declaration in filter(None, map(str.strip, text.split(";"))):
            kind, names = declaration.split(" ", 1)
            for name in map(str.strip, names.split(",")):
                array = re.fullmatch(r"(\w+)\[(\d+)\]", name)
                if array:
                    fields.append((array[1], self.types[kind] * int(array[2])))
                else:
                    fields.append((name, self.types[kind]))
        return fields

    def _argument(self, text):
        kind = text.replace("const ", "").strip()
        if kind.startswith("char*"):
            return ctypes.c_char_p
        return ctypes.c_void_p if "*" in kind else self.types[kind.split(" ")[0]]

    def layout(self):
        """The size of each struct and the offset of each field, one per line."""
        lines = []
        for name, struct in self.structs.items():
            lines.append(f"{name} {ctypes.sizeof(struct)}")
            for field, _ in struct._fields_:
                place = getattr(struct, field)
                lines.append(f"{name}.{field} {place.offset} {place.size}")
        return lines

    def layout_program(self):
        """A C program that prints the same text as layout() returns."""
        body = []
        for name, struct in self.structs.items():
            body.append(f'printf("{name} %zu\\n", sizeof({name}));')
            for field, _ in struct._fields_:
                body.append(
                    f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), '
                    f"sizeof((({name}*)0)->{field}));"
                )
        return (
            '#include <stddef.h>\n#include <stdio.h>\n#include "halfstep.h"\n'
            "int main(void) {\n" + "\n".join(body) + "\nreturn 0;\n}\n"
        )


def check_layout(path, compiler="cc"):
    """The lines in which the C compiler's layout of the header differs from ours."""
    header = Header(Path(path).read_text())
    with tempfile.TemporaryDirectory() as folder:
        source, program = Path(folder, "layout.c"), Path(folder, "layout")
        source.write_text(header.layout_program())
        include = str(Path(path).resolve().parent)
        subprocess.run([compiler, "-I", include, "-o", program, source], check=True)
        output = subprocess.run([program], check=True, capture_output=True, text=True).stdout
    declared = re.findall(r"^HS_API [^(]* \**(\w+)\(", Path(path).read_text(), flags=re.M)
    missing = [f"not understood: {name}" for name in declared if name not in header.functions]
    return sorted(set(output.splitlines()) ^ set(header.layout())) + missing


class HalfstepError(Exception):
    """A call failed; the message is the library's own."""


class Library:
    """libhalfstep.so. `library.hs_fill(...)` calls a function and raises HalfstepError on failure;
    `library.HS_F32` is a constant, `library.struct("hs_segment", offset=0, ...)` a struct."""

    def __init__(self, path, header, plugin=None):
        self.header = Header(Path(header).read_text())
        self._native = ctypes.CDLL(str(path))
        self._calls = {}
        self.hs_check_abi(self.HS_ABI_VERSION)
        if plugin is not None:
            self.hs_set_cuda_plugin(str(plugin).encode())

    def __getattr__(self, name):
        if name in self.header.constants:
            return self.header.constants[name]
        if name not in self.header.functions:
            raise AttributeError(name)
        if name not in self._calls:
            self._calls[name] = self._bind(name)
        return self._calls[name]

    def struct(self, name, **values):
        """A struct with this name; fields that are not given are zero."""
        made = self.header.structs[name]()
        for field, value in values.items():
            if not hasattr(made, field):
                raise AttributeError(f"{name} has no field {field}")
            setattr(made, field, value)
        return made

    def _bind(self, name):
        function = getattr(self._native, name)
        function.restype, function.argtypes = self.header.functions[name]
        if function.restype is not ctypes.c_int32:
            return function

        def call(*arguments):
            if function(*arguments) != 0:
                raise HalfstepError(f"{name}: {self.hs_last_error().decode()}")

        return call


class Device:
    """An open device with one stream. `device.call("hs_fill", ...)` enqueues on that stream."""

    def __init__(self, library, backend):
        self.library, self.backend = library, backend
        self._device, self.stream = ctypes.c_void_p(), ctypes.c_void_p()
        library.hs_device_open(backend.encode(), 0, ctypes.byref(self._device))
        library.hs_stream_create(self._device, ctypes.byref(self.stream))

    def info(self):
        """The fields of hs_device_info."""
        info = self.library.struct("hs_device_info")
        self.library.hs_device_query(self._device, ctypes.byref(info))
        values = {name: getattr(info, name) for name, _ in info._fields_}
        return {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}

    def allocate(self, size):
        address = ctypes.c_uint64()
        self.library.hs_alloc(self._device, size, ctypes.byref(address))
        return address.value

    def free(self, address):
        self.library.hs_free(self._device, address)

    def call(self, name, *arguments):
        passed = [ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments]
        getattr(self.library, name)(self.stream, *passed)

    def synchronize(self):
        self.library.hs_stream_synchronize(self.stream)

    def record(self, body):
        """Records the calls that body() makes in a list, and returns it."""
        recorded = ctypes.c_void_p()
        self.call("hs_capture_begin")
        try:
            body()
        except BaseException:
            self.call("hs_capture_end", None)
            raise
        self.call("hs_capture_end", ctypes.byref(recorded))
        return recorded

    def launch(self, recorded, times):
        self.call("hs_list_launch", recorded, times)

    def forget(self, recorded):
        self.library.hs_list_destroy(recorded)

    def close(self):
        self.library.hs_device_close(self._device)


if __name__ == "__main__":
    differences = check_layout(sys.argv[1])
    print("\n".join(differences) or "ctypes and the C compiler agree on every struct")
    sys.exit(1 if differences else 0)
