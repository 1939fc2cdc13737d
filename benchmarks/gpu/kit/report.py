"""The report of a run of the kit: report.json and report.md, written anew after every item."""

import json
import os
import time
from pathlib import Path

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


class Report:
    """`parts` maps the name of a part to its items. An item has a name, a status, a detail (why it
    failed or was skipped), seconds, and further values that its part adds. Work that was left out
    is an item too: it is skipped, with the reason."""

    def __init__(self, folder, machine):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.begun = time.time()
        self.machine = machine
        self.parts = {}

    def begin(self, part):
        self.parts[part] = {"seconds": 0.0, "ended": False, "items": []}
        self.parts[part]["begun"] = time.time()
        self.write()

    def add(self, part, name, status, detail="", seconds=0.0, **more):
        assert detail or status == PASSED, f"{name}: {status} without a reason"
        item = {"name": name, "status": status, "detail": detail, "seconds": round(seconds, 2)}
        self.parts[part]["items"].append(item | more)
        print(f"{status:8}{part}: {name}{': ' if detail else ''}{detail}", flush=True)
        self.write()

    def end(self, part):
        self.parts[part]["ended"] = True
        self.write()

    def status(self, part):
        """Failed if an item failed or there is none; skipped if nothing was done."""
        statuses = [item["status"] for item in self.parts[part]["items"]]
        if FAILED in statuses or not statuses:
            return FAILED
        return PASSED if PASSED in statuses else SKIPPED

    def exit_code(self):
        statuses = [self.status(part) for part in self.parts]
        return 1 if FAILED in statuses or not statuses else 3 if SKIPPED in statuses else 0

    def write(self):
        for part in self.parts.values():
            if not part["ended"]:
                part["seconds"] = round(time.time() - part["begun"], 1)
        parts = {
            name: {"status": self.status(name), **part} for name, part in self.parts.items()
        }
        whole = {
            "machine": self.machine,
            "seconds": round(time.time() - self.begun, 1),
            "parts": parts,
        }
        self._replace("report.json", json.dumps(whole, indent=1) + "\n")
        self._replace("report.md", "\n".join(markdown(whole)) + "\n")

    def _replace(self, name, text):
        new = self.folder / (name + ".new")
        new.write_text(text)
        os.replace(new, self.folder / name)


def markdown(whole):
    """The report in Markdown, as a list of lines."""
    machine = whole["machine"]
    lines = ["# Halfstep on " + machine.get("device", "no device"), ""]
    if machine["backend"] != "cuda":
        lines += [f"A rehearsal on `{machine['backend']}`: its times say nothing of a GPU.", ""]
    lines += [f"- {key}: {value}" for key, value in machine.items() if key != "ceilings"]
    ceilings = machine.get("ceilings", {})
    lines += [f"- ceiling {key}: {value:.4g}" for key, value in ceilings.items()]
    lines += ["", "| part | status | passed | failed | skipped | s |", "|---|---|---|---|---|---|"]
    for name, part in whole["parts"].items():
        statuses = [item["status"] for item in part["items"]]
        counts = " | ".join(str(statuses.count(s)) for s in (PASSED, FAILED, SKIPPED))
        status = part["status"] if part["ended"] else part["status"] + ", not ended"
        lines.append(f"| {name} | {status} | {counts} | {part['seconds']} |")
    for name, part in whole["parts"].items():
        if name == "torch":
            lines += ["", "## torch", ""] + comparison_table(part["items"])
            lines += slower(part["items"])
        else:
            lines += ["", f"## {name}", ""] + plain_table(part["items"])
    return lines


def cell(text):
    return str(text).replace("|", "/").replace("\n", " ")[:300]


def plain_table(items):
    lines = ["| name | status | s | |", "|---|---|---|---|"]
    for item in items:
        told = item["detail"] or item.get("found", "")
        lines.append(f"| {item['name']} | {item['status']} | {item['seconds']} | {cell(told)} |")
    return lines


def comparison_table(items):
    """Times in us per call. Device: recorded calls, launched repeatedly. Wall: single calls from
    Python. A ratio is PyTorch's best time divided by ours."""
    lines = [
        "Times in us a call: device (graph replays, cold L2) and wall (one by one from Python);"
        " ratio = the best of PyTorch / ours.",
        "",
        "| case | status | ours: device | wall | PyTorch: device, wall | ratio: device | wall"
        " | floor | share of it | |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for item in items:
        row = item.get("row", {})
        ours = row.get("ours", {})
        theirs = "; ".join(
            f"{name} {number(peer.get('device_us')) or '-'}, {number(peer['wall_us'])}"
            if "wall_us" in peer
            else f"{name} skipped: {cell(peer['skipped'])[:80]}"
            for name, peer in row.get("peers", {}).items()
        )
        floor = f"{number(row['floor_us'])} ({row['floor']})" if "floor" in row else ""
        lines.append(
            f"| {item['name']} | {item['status']} | {number(ours.get('device_us'))}"
            f" | {number(ours.get('wall_us'))} | {theirs} | {number(row.get('ratio_device'))}"
            f" | {number(row.get('ratio_wall'))} | {floor} | {number(row.get('share_of_floor'))}"
            f" | {cell(item['detail'])} |"
        )
    return lines


def slower(items):
    """The cases in which PyTorch's device time is shorter than ours, as a list of lines."""
    ratios = [(item["row"]["ratio_device"], item["name"]) for item in items
              if item.get("row", {}).get("ratio_device", 1) < 1]  # fmt: skip
    if not ratios:
        return []
    head = f"Slower than PyTorch on the device in {len(ratios)} cases, the worst first:"
    return ["", head, "", *(f"- {number(ratio)}: {name}" for ratio, name in sorted(ratios))]


def number(value):
    return "" if value is None else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
