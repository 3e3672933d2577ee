"""``python -m embedkit``, and the console script: a process that runs one command and ends."""

import gc


def main() -> None:
    """Run the command, without looking for cycles among what it imports and what it leaves at its end."""
    gc.set_threshold(1_000_000)  # a build makes many values and keeps them: looking for cycles took a sixth of it
    from embedkit.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
