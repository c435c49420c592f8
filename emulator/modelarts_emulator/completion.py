"""Completion of commands and options for bash, zsh and fish, written from the parser itself."""

import argparse
import sys
from typing import NamedTuple

PROGRAM = "modelarts-emulator"


class Word(NamedTuple):
    """One command: its name, what it does, its options and the words that it takes."""

    name: str
    help: str
    options: list[str]
    choices: list[str]


def words_of(parser: argparse.ArgumentParser) -> list[Word]:
    """All commands of the parser."""
    (commands,) = (each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    helps = {each.dest: each.help or "" for each in commands._choices_actions}
    found = []
    for name, command in commands.choices.items():
        options = [
            flag for action in command._actions for flag in action.option_strings if flag.startswith("--")
        ]
        choices = [
            str(choice)
            for action in command._actions
            if not action.option_strings
            for choice in action.choices or ()
        ]
        found.append(Word(name, helps[name], options, choices))
    return found


def bash(words: list[Word]) -> str:
    """For ~/.bashrc: eval "$(modelarts-emulator completion bash)"."""
    cases = [f"    {word.name}) words='{' '.join([*word.options, *word.choices])}' ;;" for word in words]
    return "\n".join(
        [
            "_modelarts_emulator() {",
            "  local words",
            '  case "${COMP_WORDS[1]}" in',
            *cases,
            f"    *) words='{' '.join(word.name for word in words)}' ;;",
            "  esac",
            f"  [ \"$COMP_CWORD\" -gt 1 ] || words='{' '.join(word.name for word in words)}'",
            '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
            "}",
            f"complete -o default -F _modelarts_emulator {PROGRAM}",
            "",
        ]
    )


def zsh(words: list[Word]) -> str:
    """For ~/.zshrc: eval "$(modelarts-emulator completion zsh)"; zsh reads what bash does."""
    return f"autoload -U +X bashcompinit && bashcompinit\n{bash(words)}"


def fish(words: list[Word]) -> str:
    """For ~/.config/fish/config.fish: modelarts-emulator completion fish | source."""
    lines = [f"complete -c {PROGRAM} -f"]
    for word in words:
        told = word.help.replace("'", "")
        lines.append(f"complete -c {PROGRAM} -n __fish_use_subcommand -a {word.name} -d '{told}'")
        seen = f"'__fish_seen_subcommand_from {word.name}'"
        lines += [f"complete -c {PROGRAM} -n {seen} -l {flag[2:]}" for flag in word.options]
        if word.choices:
            lines.append(f"complete -c {PROGRAM} -n {seen} -a '{' '.join(word.choices)}'")
    return "\n".join([*lines, ""])


SHELLS = {"bash": bash, "zsh": zsh, "fish": fish}


def complete(options: argparse.Namespace) -> int:
    """Print what makes a shell complete commands."""
    from modelarts_emulator.cli import parser

    sys.stdout.write(SHELLS[options.shell](words_of(parser())))
    return 0
