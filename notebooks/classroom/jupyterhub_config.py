"""JupyterHub for a class: one Linux computer, a server for each student, the images shared and read-only.

The instructor's guide (notebooks/exercises/README.md) says why these numbers. Once, as root, in the project's folder:

    make data                                                     the course's environment .venv, and the images
    make run                                                      every lesson once: it leaves resized copies in data/
    make student                                                  the lessons that students get, in build/student
    chmod -R go= notebooks/exercises tests build/exercises build/grades .git    what students must not read, if there
    python3 -m venv .venv-hub
    .venv-hub/bin/pip install jupyterhub jupyterlab ipywidgets jupyterhub-systemdspawner jupyterhub-idle-culler
    npm install --global configurable-http-proxy
    .venv/bin/python -m ipykernel install --prefix .venv-hub      the kernel: Python of the course's environment
    mkdir -m 700 /srv/course-hub                                  what the hub itself remembers
    .venv-hub/bin/jupyterhub -f notebooks/classroom/jupyterhub_config.py

It answers on this computer only (port 8000): put a web server with a certificate in front of it. To try it without
systemd, without accounts and without limits, in a folder of your own, not as root:

    COURSE_HUB=/tmp/hub jupyterhub -f notebooks/classroom/jupyterhub_config.py --JupyterHub.spawner_class=simple
        --JupyterHub.authenticator_class=dummy --Authenticator.allow_all=True

The hub reads COURSE_DATA (the shared images; default: data/ of the project) and COURSE_HUB (default /srv/course-hub).
"""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821 - JupyterHub defines it

STUDENTS = 200
HERE = Path(__file__).resolve().parent
COURSE = HERE.parent.parent
DATA = Path(os.environ.get("COURSE_DATA") or COURSE / "data").resolve()
STATE = Path(os.environ.get("COURSE_HUB") or "/srv/course-hub")

# Who may come in: the computer's accounts, by group.
c.PAMAuthenticator.allowed_groups = {"students"}
c.PAMAuthenticator.admin_groups = {"teachers"}

# What a student gets. A limit is only as good as the spawner: systemd enforces these two, "localprocess" neither.
c.JupyterHub.spawner_class = "systemd"
c.Spawner.mem_limit = "3G"  # beyond it the kernel is killed, not the computer
c.Spawner.cpu_limit = 2.0
c.SystemdSpawner.isolate_tmp = True  # lessons write temporary folders
c.SystemdSpawner.readonly_paths = [str(DATA), str(COURSE)]

# The students' edition is copied to the student's home, what is there already stays; see start_server.sh.
c.Spawner.cmd = ["/bin/sh", str(HERE / "start_server.sh"), str(COURSE), str(Path(sys.executable).parent)]
c.Spawner.notebook_dir = "~/course"
c.Spawner.default_url = "/lab/tree/notebooks/00_start/1_first_network.ipynb"
c.Spawner.start_timeout = 120
c.Spawner.environment = {
    "COURSE_DATA": str(DATA),
    "COURSE_RESULTS": "~/course/results",
    "JUPYTER_CONFIG_PATH": str(COURSE / "helpers" / "course" / "lab"),  # no grading buttons, no question about news
    "COURSE_PROFILE": "quick",  # a student who wants more sets os.environ in the first cell
    "TF_NUM_INTRAOP_THREADS": "2",  # else TensorFlow starts as many threads as the computer has cores, 200 times
    "TF_NUM_INTEROP_THREADS": "2",
    "OMP_NUM_THREADS": "2",
}

# Nobody shuts down kernels. One that has been idle for 20 minutes goes, also behind an open page; a busy one stays.
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=1200",
    "--MappingKernelManager.cull_interval=60",
    "--MappingKernelManager.cull_connected=True",
]
# A whole server goes after an hour without activity.
c.JupyterHub.services = [
    {"name": "idle-culler", "command": [sys.executable, "-m", "jupyterhub_idle_culler", "--timeout=3600"]}
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
        "services": ["idle-culler"],
    }
]

# The whole class comes at nine o'clock: start twenty servers at a time, the others are asked to try again.
c.JupyterHub.concurrent_spawn_limit = 20
c.JupyterHub.active_server_limit = STUDENTS

c.JupyterHub.bind_url = "http://127.0.0.1:8000"
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
