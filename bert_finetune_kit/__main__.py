"""`python -m bert_finetune_kit COMMAND`, which launchers of several processes can start, too."""

from .commands.main import main

if __name__ == "__main__":
    main()
