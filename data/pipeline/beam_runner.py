"""Units of work on Apache Beam: Dataflow, Flink, Spark or its own local runners, by pipeline options.

Each phase is a pipeline of its own, since each waits for all of the one before; what passes between them lies in the store,
which must then be a place that all workers reach (`gs://...`). Beam is imported here and in `data.dedup.beam_clusters` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import apache_beam as beam
import numpy as np
from apache_beam.options.pipeline_options import PipelineOptions

from data.dedup import images
from data.dedup.beam_clusters import ImageClusters, TextClusters
from data.pipeline import dedup_step
from data.pipeline.dedup_step import Signatures
from data.pipeline.job import Job
from data.pipeline.runners import Work


class _Do(beam.DoFn):
    def __init__(self, work: Work, job: Job):
        self._work, self._job = work, job

    def process(self, number: int) -> Iterator[int]:
        self._work(self._job, number)
        yield number


class _Bands(beam.DoFn):
    """(place, bands) of the documents of a unit; takes (unit, rows, places), both ascending."""

    def __init__(self, job: Job):
        self._job = job

    def process(self, element: tuple[int, list[int], list[int]]) -> Iterator[tuple[int, list[int]]]:
        unit, rows, places = element
        column = dedup_step.bands_of_unit(self._job, unit)
        yield from zip(places, column[rows].tolist())


class _Shingles(beam.DoFn):
    """(place, shingle set) of the documents of a unit; takes (unit, rows, places), both ascending."""

    def __init__(self, job: Job):
        self._job = job

    def process(self, element: tuple[int, list[int], list[int]]) -> Iterator[tuple[int, np.ndarray]]:
        unit, rows, places = element
        wanted = dict(zip(rows, places))
        texts = dedup_step.texts_of_unit(self._job, unit, wanted)
        yield from dedup_step.shingle_sets(texts)


class BeamRunner:
    """Runs units as the elements of a pipeline."""

    def __init__(self, arguments: Sequence[str] = ()):
        """Takes pipeline options.

        Args:
          arguments: as Beam's own command lines have them, `--runner=FlinkRunner`; without a runner, this machine's.
        """
        self._arguments = list(arguments)
        if not any(argument.startswith("--runner") for argument in self._arguments):
            # The default runner of Beam tries to download another one first.
            self._arguments.append("--runner=FnApiRunner")

    def options(self) -> PipelineOptions:
        """Options of the next pipeline."""
        return PipelineOptions(self._arguments, save_main_session=False)

    def map(self, work: Work, job: Job, numbers: Sequence[int]) -> Iterator[int]:
        """See `data.pipeline.runners.Runner`."""
        with beam.Pipeline(options=self.options()) as pipeline:
            _ = pipeline | beam.Create(list(numbers)) | beam.Reshuffle() | beam.ParDo(_Do(work, job))
        yield from numbers

    def text_clusters(self, job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
        """See `data.pipeline.dedup_step.Clusterer`: buckets, comparisons and components are all the pipeline's."""
        wanted = dedup_step.by_unit(job, signatures, documents)

        def clusters(pipeline: beam.Pipeline) -> beam.PCollection:
            units = pipeline | "Units" >> beam.Create(wanted) | beam.Reshuffle()
            inputs = {"bands": units | beam.ParDo(_Bands(job)), "shingles": units | beam.ParDo(_Shingles(job))}
            return inputs | TextClusters(job.options.near_duplicates)

        return self._representatives(job, "text", clusters, len(documents))

    def image_clusters(self, job: Job, signatures: Signatures, documents: np.ndarray) -> np.ndarray:
        """See `data.pipeline.dedup_step.Clusterer`."""
        found = dedup_step.fingerprints(signatures, documents)

        def clusters(pipeline: beam.Pipeline) -> beam.PCollection:
            fingerprints = pipeline | beam.Create(list(enumerate(found)))
            return fingerprints | ImageClusters(images.Limits(job.options.image_distance))

        return self._representatives(job, "image", clusters, len(documents))

    def _representatives(
        self, job: Job, kind: str, clusters: Callable[[beam.Pipeline], beam.PCollection], count: int
    ) -> np.ndarray:
        """Runs a pipeline that gives (place, representative) and reads its result, int64 [count]."""
        prefix = job.store.path(job.name("work", f"clusters-{kind}"))
        with beam.Pipeline(options=self.options()) as pipeline:
            _ = (
                clusters(pipeline)
                | "As text" >> beam.MapTuple("{} {}".format)
                | beam.io.WriteToText(prefix, file_name_suffix=".txt")
            )
        found = np.arange(count, dtype=np.int64)
        for name in job.store.names(job.name("work")):
            if name.startswith(job.name("work", f"clusters-{kind}")):
                with job.store.open(name) as file:
                    for line in file:
                        place, smallest = map(int, line.split())
                        found[place] = smallest
                job.store.remove(name)
        return found
