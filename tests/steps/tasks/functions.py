"""A library of functions, as users have them."""

import os
import subprocess
import time


def area(width: float, height: float) -> float:
    return width * height


def greet(name: str = "you") -> str:
    print("a remark that is no result")
    return f"hello {name}"


def divide(a: float, b: float) -> float:
    return a / b


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def leave() -> None:
    os.abort()


def run(command: str) -> str:
    return subprocess.check_output(command, shell=True, text=True)


def ask_name() -> str:
    return input("Your name? ")


def _hidden() -> int:
    return 1
