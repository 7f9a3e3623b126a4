#!/bin/sh
# A student's server: hand out the lessons that are not there yet (nothing is overwritten), then start JupyterLab.
#   sh start_server.sh COURSE HUB_BIN [arguments of jupyterhub-singleuser]
# Only the students' edition is copied, which `make student` writes: no solutions, no hidden tests, no answers.
course=$1 hub=$2
shift 2
edition=$course/build/student
mkdir -p ~/course/data_prework
if [ -d "$edition/notebooks" ]; then
  cp -Rn "$edition/notebooks" ~/course/ 2>/dev/null
  cp -Rn "$edition"/data_prework/*.ipynb "$edition/data_prework/cards" ~/course/data_prework/ 2>/dev/null
else
  echo "There is no students' edition in $edition, so no lessons were copied: run make student" >&2
fi
PATH="$hub:$PATH" exec "$hub/jupyterhub-singleuser" "$@"
