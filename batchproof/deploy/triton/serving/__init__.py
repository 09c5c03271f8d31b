"""What runs inside the server, copied into the repository as it is: numpy, OpenCV and the pipeline are all it needs."""
