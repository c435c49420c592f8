"""Starts a script of the old search by yaml: its train(), then its eval() where it has one."""

import runpy
import sys


def main() -> None:
    del sys.argv[0]
    path = sys.argv[0]
    sys.path[0] = path.rpartition("/")[0]
    # Its own last lines, for when it is started by hand, are not for here; without train() they are all there is.
    names = runpy.run_path(path, run_name="boot_file")
    if "train" not in names:
        runpy.run_path(path, run_name="__main__")
        return
    names["train"]()
    if callable(names.get("eval")):
        names["eval"]()


main()
