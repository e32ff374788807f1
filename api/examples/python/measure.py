#!/usr/bin/env python3
# SPDX-FileCopyrightText: The endplate authors
# SPDX-License-Identifier: Apache-2.0

"""Send the CT files of a folder to an endplate server and print what it measures.

    measure.py SERVER FOLDER

The modules endplate.v1.* are made from the protos of the repository, into a folder
that PYTHONPATH names:

    pip install grpcio grpcio-tools
    python -m grpc_tools.protoc -I proto --python_out stubs --grpc_python_out stubs \\
        proto/endplate/v1/*.proto proto/google/api/*.proto

or, with Debian's python3-grpcio, python3-protobuf, libprotobuf-dev,
protobuf-compiler and protobuf-compiler-grpc:

    protoc -I proto -I /usr/include --python_out stubs --grpc_python_out stubs \\
        --plugin=protoc-gen-grpc_python=/usr/bin/grpc_python_plugin \\
        proto/endplate/v1/*.proto proto/google/api/*.proto

The server may be one on this machine alone: this example speaks no TLS and shows no
token.
"""

import pathlib
import sys

import grpc

from endplate.v1 import analysis_service_pb2 as analysis
from endplate.v1 import analysis_service_pb2_grpc as analysis_grpc
from endplate.v1 import measurement_pb2 as measurement
from endplate.v1 import study_service_pb2 as study
from endplate.v1 import study_service_pb2_grpc as study_grpc

CHUNK = 256 * 1024  # bytes; the server takes up to 1 MiB


def parts(files):
    """Yield the messages that carry files: of each its start, then its bytes."""
    for file in files:
        start = study.InstanceStart(name=file.name, size_bytes=file.stat().st_size)
        yield study.UploadInstancesRequest(start=start)
        with file.open("rb") as content:
            while chunk := content.read(CHUNK):
                yield study.UploadInstancesRequest(chunk=chunk)


def upload(channel, folder):
    """Store the files of a folder and return the series that they are of."""
    files = sorted(path for path in pathlib.Path(folder).iterdir() if path.is_file())
    answer = study_grpc.StudyServiceStub(channel).UploadInstances(parts(files))
    for outcome in answer.outcomes:
        if outcome.state == study.InstanceOutcome.REFUSED:
            print(f"refused {outcome.name}: {outcome.message} ({outcome.reason})", file=sys.stderr)
    stored = (o for o in answer.outcomes if o.state != study.InstanceOutcome.REFUSED)
    return sorted({outcome.series_instance_uid for outcome in stored})


def measure(channel, series):
    """Have a series measured and return the analysis when it has ended."""
    analyses = analysis_grpc.AnalysisServiceStub(channel)
    created = analyses.CreateAnalysis(analysis.CreateAnalysisRequest(series_instance_uid=series))
    request = analysis.WatchAnalysisRequest(analysis_id=created.analysis.analysis_id)
    for answer in analyses.WatchAnalysis(request):
        run = answer.analysis
        if run.state == analysis.RUNNING:
            print(f"{run.stage} {run.fraction_done:.0%}", file=sys.stderr)
    return run


def millimetres(heights, name):
    """Return a height as text. What was not measured is absent, and not zero."""
    return f"{getattr(heights, name):.1f}" if heights.HasField(name) else "-"


def show(report):
    """Print a line for each vertebra, and the findings."""
    for found in report.analyses:
        print("level    Ha    Hm    Hp  mm")
        for vertebra in found.vertebrae:
            names = ("anterior_mm", "middle_mm", "posterior_mm")
            cells = [f"{millimetres(vertebra.heights, name):>6}" for name in names]
            print(f"{measurement.Level.Name(vertebra.level):<5}", *cells, sep="")
        for finding in found.findings:
            print("finding", finding.statement)


def main(server, folder):
    with grpc.insecure_channel(server, [("grpc.max_receive_message_length", 64 << 20)]) as channel:
        for series in upload(channel, folder):
            run = measure(channel, series)
            if run.state != analysis.SUCCEEDED:
                sys.exit(f"{series}: {analysis.AnalysisState.Name(run.state)}: {run.reason}")
            show(run.report)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
