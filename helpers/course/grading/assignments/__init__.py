"""What is handed out: the students' versions of the exercises, made from the source notebooks and the settings."""
