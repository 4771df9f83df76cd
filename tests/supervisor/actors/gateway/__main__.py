from tests.supervisor.actors.actor import act

act("gateway")
