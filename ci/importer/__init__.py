"""Other tools' projects -> pipeline.yaml. What cannot be carried over is said in comments, never left out silently."""
