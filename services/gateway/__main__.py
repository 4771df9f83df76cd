"""`python -m services.gateway`: one gateway process."""

from services.gateway.app import serve
from services.process import run

if __name__ == "__main__":
    run("gateway", serve)
