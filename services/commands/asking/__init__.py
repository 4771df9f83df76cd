"""What the commands share that ask the keeper: its line, their arguments, the words of their answers."""
