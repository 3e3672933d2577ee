"""``python -m embedkit`` and the console script: a process that runs one command and exits."""

import gc


def main() -> None:
    """Run the command with almost no garbage collection, neither while it imports nor at exit."""
    gc.set_threshold(1_000_000)  # a build creates many values and keeps them: collection took a sixth of its time
    from embedkit.cli.main import main as run

    try:
        run()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
