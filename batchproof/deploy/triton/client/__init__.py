"""The client of a served pipeline: pictures in, typed faces out, many at a time.

    from batchproof.deploy.triton.client.faces_client import FacesClient

    async with FacesClient("grpc://127.0.0.1:8001") as client:
        faces = await client.faces_of(Path("picture.jpg"))

Beside it `driving` asks for many with bounded concurrency and measures each, `shared_memory` carries frames to a server
on this machine without copies over the wire, and `statistics` says what the server has counted.
"""
