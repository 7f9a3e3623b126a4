"""The kernel that a submission runs in: its folders, its environment, its start behind the wall."""
