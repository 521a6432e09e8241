"""What is in the picture. The only room in which torch, ultralytics and openvino may be imported."""
