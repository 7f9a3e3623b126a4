"""Assignments: students' versions, and grading what comes back.

`batch` grades a class, `pool` gives each submission a process of its own, and `grade` takes one all the way. Each room
imports only those above it:

- `assignments`: what is handed out
- `wall`: what stands round students' code
- `submissions`: what was handed in, found, read and put back in order
- `kernel`: where it runs
- `judge`: where its tests run
- `nbgrader_steps`: running and marking it, and its feedback page
- `administration`: the class, its lists, and learning platforms
- `marks`: the table of all, what a person enters, and giving feedback back
"""
