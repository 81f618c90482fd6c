"""The multimodal sources that are read from files: pictures, clips and recordings, each with what is said of it."""

from __future__ import annotations

from data.sources.multimodal import audio_transcripts, laion_5b, scientific_figures, video_captions, web_screenshots
from data.sources.source import Reader, SourceInfo

_DOMAIN = "multimodal"

SOURCES: tuple[SourceInfo, ...] = (
    SourceInfo(
        name=laion_5b.NAME,
        domain=_DOMAIN,
        format="img2dataset shards (tar of picture, txt, json by key), Parquet with pictures or of metadata",
        licence="per picture",
        where="https://laion.ai/blog/relaion-5b, pictures fetched by img2dataset",
        size_hint="5.5 billion pairs, 240 TB of pictures",
        profile="images",
        readers=(
            Reader(("*.tar", "*.tgz"), laion_5b.read_shard),
            Reader(("*.parquet",), laion_5b.read_table, roots=laion_5b.lone_tables),
        ),
        companions=("*_stats.json",),
    ),
    SourceInfo(
        name=video_captions.NAME,
        domain=_DOMAIN,
        format="annotations of MSR-VTT, DiDeMo, ActivityNet Captions, VATEX or plain records; mp4, webm, avi, mkv, ...",
        licence="per record",
        where="the data sets' own pages; videos lie in the same input",
        size_hint="MSR-VTT 10,000 clips with 200,000 sentences; ActivityNet 20,000 videos with 100,000",
        profile="video",
        readers=(
            Reader(
                (*video_captions.PATTERNS, *video_captions.MEDIA_PATTERNS),
                video_captions.read,
                roots=video_captions.roots,
            ),
        ),
    ),
    SourceInfo(
        name=audio_transcripts.NAME,
        domain=_DOMAIN,
        format="LibriSpeech, LJSpeech, Kaldi, lhotse, Common Voice, NeMo; flac, wav, ogg, opus, mp3",
        licence="per data set",
        where="https://openslr.org, https://keithito.com/LJ-Speech-Dataset, https://commonvoice.mozilla.org",
        size_hint="LibriSpeech 1,000 hours, 60 GB; LJSpeech 24 hours, 3 GB",
        profile="audio",
        readers=(
            Reader(
                (*audio_transcripts.PATTERNS, *audio_transcripts.MEDIA_PATTERNS),
                audio_transcripts.read,
                roots=audio_transcripts.roots,
            ),
        ),
        companions=audio_transcripts.COMPANIONS,
    ),
    SourceInfo(
        name=scientific_figures.NAME,
        domain=_DOMAIN,
        format="captions in JSONL, JSON (SciCap, COCO's layout), CSV, TSV, Parquet or a paper's Markdown; pictures",
        licence="per record",
        where="https://github.com/tingyaohsu/SciCap, https://github.com/openjournals/joss-papers",
        size_hint="SciCap 2 million figures, 18 GB",
        profile="figures",
        readers=(
            Reader(scientific_figures.TABLES, scientific_figures.read_table),
            Reader(scientific_figures.PAPERS, scientific_figures.read_paper),
        ),
        companions=scientific_figures.COMPANIONS,
    ),
    SourceInfo(
        name=web_screenshots.NAME,
        domain=_DOMAIN,
        format="HTML beside a screenshot, Parquet in WebSight's layout",
        licence="per page",
        where="https://huggingface.co/datasets/HuggingFaceM4/WebSight",
        size_hint="WebSight 2 million pages, 300 GB",
        profile="screens",
        readers=(
            Reader(web_screenshots.PAGES, web_screenshots.read_page),
            Reader(web_screenshots.TABLES, web_screenshots.read_table),
        ),
        companions=web_screenshots.COMPANIONS,
    ),
)
