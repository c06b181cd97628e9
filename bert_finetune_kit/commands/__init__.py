"""The installed command, `bert-finetune-kit COMMAND`: a module for each kind of command."""
