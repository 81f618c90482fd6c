"""From the files of a source to documents by domain and level: one set of steps, two runners.

read + quality_filter     units of the input, in parallel      work/read/*.parquet
deduplicate               over all of a domain                 work/duplicates.parquet
decontaminate .. control  units again, in parallel             work/finish/*.parquet
write                     ranges of ids, in parallel           LEVEL/SPLIT-*.array_record
"""
