#!/bin/sh
# A student's server: hand out the lessons that are not there yet (nothing is overwritten), then start JupyterLab.
#   sh start_server.sh COURSE HUB_BIN [arguments of jupyterhub-singleuser]
course=$1 hub=$2
shift 2
mkdir -p ~/course/data_prework
cp -Rn "$course/notebooks" ~/course/ 2>/dev/null
cp -Rn "$course"/data_prework/*.ipynb "$course/data_prework/cards" ~/course/data_prework/ 2>/dev/null
PATH="$hub:$PATH" exec "$hub/jupyterhub-singleuser" "$@"
