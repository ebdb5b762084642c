"""A camera, or a file played in real time, and the heart rate as it comes.

Data run one way: source -> feed -> monitor -> view and record.
"""
