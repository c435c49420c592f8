"""Completion: every command and option is known to the shells, and bash completes them."""

import shutil
import subprocess

import pytest
from modelarts_emulator.cli import main, parser
from modelarts_emulator.completion import words_of


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_option_is_written(shell, capsys):
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    for word in words_of(parser()):
        assert word.name in text
        for flag in word.options:
            assert (flag[2:] if shell == "fish" else flag) in text


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed here")
@pytest.mark.parametrize(
    ("line", "expected"),
    [("modelarts-emulator sna", "snapshot"), ("modelarts-emulator clock adv", "advance")],
)
def test_bash_completes_commands_and_their_words(line, expected, capsys):
    main(["completion", "bash"])
    words = line.split()
    script = f"""{capsys.readouterr().out}
COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _modelarts_emulator; echo "${{COMPREPLY[@]}}"
"""
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout.split() == [expected]
