"""Makes DIR a virtual environment with the outside client the interoperability test uses.

usage: python3 make_venv.py DIR     does nothing when DIR has it already; exit 1 and a reason when it can't be had
"""
import os
import subprocess
import sys
import venv

PACKAGE, VERSION = 'nasdaq-protocols', '1.3.0'
INSTALLED = 'import importlib.metadata, sys; sys.exit(importlib.metadata.version(%r) != %r)' % (PACKAGE, VERSION)


def main(directory):
    python = os.path.join(directory, 'bin', 'python')
    if os.path.exists(python) and subprocess.run([python, '-c', INSTALLED], stderr=subprocess.DEVNULL).returncode == 0:
        return
    # The command `python3 -m venv` without the command: one Python for both steps. --clear heals a half-made one.
    venv.create(directory, clear=True, with_pip=True)
    subprocess.run([python, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-input',
                    '--retries', '1', '--timeout', '15', '%s==%s' % (PACKAGE, VERSION)],
                   check=True, stdout=sys.stderr)


if __name__ == '__main__':
    try:
        main(sys.argv[1])
    except (OSError, subprocess.CalledProcessError) as error:
        sys.exit('no %s %s: %s' % (PACKAGE, VERSION, error))
