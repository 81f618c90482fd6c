"""What a build is made from: everything its bytes depend on besides the input and the code."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class DomainOptions:
    """What one domain is built from.

    Attributes:
      sources: names in the registry, all of this domain.
      inputs: input of each source that is read from files, as `data.inputs.expand` takes it.
      max_bytes_per_level: bytes (text and media, as written) that a level may hold over both splits; the documents with
        the lowest ids are kept. 0: no limit.
      generated_bytes_per_level: bytes of a level that the generators share out among them where there is no such limit.
      max_source_bytes: bytes of files to open, drawn by seed, for sources that every machine has; 0: all.
      weights: of the sources when those bytes are shared out, 1 where none is named. What a source that is read from
        files would have got is not made.
      root: folder that such a source reads instead of its own place, "" for that.
    """

    sources: tuple[str, ...]
    inputs: Mapping[str, str] = dataclasses.field(default_factory=dict)
    max_bytes_per_level: int = 0
    generated_bytes_per_level: int = 0
    max_source_bytes: int = 0
    weights: Mapping[str, float] = dataclasses.field(default_factory=dict)
    root: str = ""

    def generated_bytes(self, name: str) -> int:
        """Bytes of each level that a generating source is to make."""
        total = sum(self.weights.get(source, 1.0) for source in self.sources)
        return int((self.max_bytes_per_level or self.generated_bytes_per_level) * self.weights.get(name, 1.0) / total)


@dataclasses.dataclass(frozen=True)
class Options:
    """What to build, and how strictly.

    Attributes:
      seed: of the generators.
      domains: options by domain.
      heldout_permille: thousandths of the documents that are held out, by their hash.
      range_bytes: files of one record a line are read in pieces of this size.
      shard_bytes: about how much of the corpus one output file of each level holds, over all levels.
      near_duplicates: exact Jaccard similarity of word 5-grams from which two documents are duplicates; above 1: only
        documents that are equal up to case and white space.
      image_distance: bits in which two images' perceptual hashes may differ and be duplicates; -1: not looked at.
      benchmarks: folder of benchmarks whose n-grams no document may hold, "" for none.
      ngram: words of such an n-gram.
      batch_documents: documents that the quality controller judges at a time.
      min_diversity, max_toxicity: a batch beyond these is rejected (see `data.quality.controller`).
      max_quarantine_share: of the records read; beyond it the build stops.
      keep_empty_levels: whether a level without documents is an error (False) or left out (True).
    """

    seed: int
    domains: Mapping[str, DomainOptions]
    heldout_permille: int = 40
    range_bytes: int = 64 << 20
    shard_bytes: int = 256 << 20
    near_duplicates: float = 0.72
    image_distance: int = 4
    benchmarks: str = ""
    ngram: int = 13
    batch_documents: int = 256
    min_diversity: float = 0.7
    max_toxicity: float = 0.1
    max_quarantine_share: float = 0.5
    keep_empty_levels: bool = False

    def digest(self, domain: str) -> str:
        """Names everything a domain's bytes depend on besides its input: its own options and the shared ones."""
        facts = dataclasses.asdict(self)
        facts["domains"] = {domain: facts["domains"][domain]}
        return hashlib.sha256(json.dumps([domain, facts], sort_keys=True).encode()).hexdigest()
