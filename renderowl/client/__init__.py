"""The Python client of a RenderOwl server: submit, watch, download. See `docs/clients.md`.

async with Client("http://127.0.0.1:8080", key) as client:
    render = await client.render(project_id, spec)
"""

from renderowl.client.http import Client
from renderowl.client.ladder import Timing
from renderowl.client.messages import Ack, RoomFilter, RoomMessage, Watching
from renderowl.client.problem import Problem, RenderCancelled, RenderFailed
from renderowl.client.resources import Asset, Project, Render
from renderowl.client.room import Room

__all__ = [
    "Ack",
    "Asset",
    "Client",
    "Problem",
    "Project",
    "Render",
    "RenderCancelled",
    "RenderFailed",
    "Room",
    "RoomFilter",
    "RoomMessage",
    "Timing",
    "Watching",
]
