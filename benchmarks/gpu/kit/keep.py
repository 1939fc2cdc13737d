"""Makes a jar smaller: keeps only the native libraries whose path matches a pattern.
keep.py JAR PATTERN"""

import os
import re
import sys
import zipfile


def keep(jar, pattern):
    """Replaces the jar and returns the libraries that it keeps. All other files stay in the jar."""
    smaller, stayed = f"{jar}.smaller", []
    with zipfile.ZipFile(jar) as old, zipfile.ZipFile(smaller, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            library = ".so" in entry.filename
            if library and not re.search(pattern, entry.filename):
                continue
            if library:
                stayed.append(entry.filename)
            new.writestr(entry, old.read(entry))
    os.replace(smaller, jar)
    return stayed


if __name__ == "__main__":
    if not keep(sys.argv[1], sys.argv[2]):
        sys.exit(f"{sys.argv[1]} has no library that matches {sys.argv[2]}")
