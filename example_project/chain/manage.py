#!/usr/bin/env python
"""The commands of the three services. `SERVICE` says which one is meant."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "services.settings")
    execute_from_command_line(sys.argv)
