"""Licences are read from a file's own head, and the stricter of head and upstream is gone by."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.processors import licences
from data.processors.licences import COPYLEFT, NETWORK_COPYLEFT, PERMISSIVE, RESTRICTED, WEAK_COPYLEFT

_MIT = """// Copyright (c) 2020 A Person
//
// Permission is hereby granted, free of charge, to any person obtaining a copy
// of this software and associated documentation files (the "Software"), to deal
// in the Software without restriction, including without limitation the rights
// to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
// copies of the Software, and to permit persons to whom the Software is
// furnished to do so, subject to the following conditions:
"""
_BSD = """/*
 * Redistribution and use in source and binary forms, with or without
 * modification, are permitted provided that the following conditions
 * are met:
 * 1. Redistributions of source code must retain the above copyright
 *    notice, this list of conditions and the following disclaimer.
{third} */
"""
_THIRD = """ * 3. Neither the name of the author may be used to endorse or promote products
 *    derived from this software without specific prior written permission.
"""
_GPL = """# This program is free software: you can redistribute it and/or modify
# it under the terms of the GNU General Public License as published by
# the Free Software Foundation, either version {version} of the License, or
# (at your option) any later version.
"""


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("// SPDX-License-Identifier: Apache-2.0\nint x;", "Apache-2.0"),
        ("/* SPDX-License-Identifier: (GPL-2.0+ OR MIT) */", "(GPL-2.0-or-later OR MIT)"),
        ("# SPDX-License-Identifier: gpl-2.0 with Linux-syscall-note", "GPL-2.0-only WITH Linux-syscall-note"),
        ("# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: BSD-3-Clause", "MIT AND BSD-3-Clause"),
        ("<!-- SPDX-License-Identifier: MPL-2.0 -->", "MPL-2.0"),
        (_MIT, "MIT"),
        (_BSD.format(third=""), "BSD-2-Clause"),
        (_BSD.format(third=_THIRD), "BSD-3-Clause"),
        (_GPL.format(version=2), "GPL-2.0-or-later"),
        (_GPL.format(version=3), "GPL-3.0-or-later"),
        ('# Licensed under the Apache License, Version 2.0 (the "License");', "Apache-2.0"),
        ("// Use of this source code is governed by a BSD-style\n// license in the LICENSE file.", "BSD-3-Clause"),
        ("/* Dual licensed under the MIT and GPL licenses. */", "GPL-2.0-or-later OR MIT"),
        ("# License: MIT", "MIT"),
        ("# Proprietary and confidential. Unauthorized copying is prohibited.", "LicenseRef-proprietary"),
        ("# This module is in the public domain.", "LicenseRef-public-domain"),
        ("# Copyright 2020 A Person", None),
        ("def mit(gpl):\n    return gpl", None),
        ("", None),
    ],
)
def test_what_a_head_states(head, expected):
    assert licences.spdx_of(head) == expected


def test_only_the_head_counts():
    assert licences.spdx_of("x = 1\n" * 200 + "# SPDX-License-Identifier: GPL-3.0-only\n") is None


@pytest.mark.parametrize(
    ("expression", "rank"),
    [
        ("MIT", PERMISSIVE),
        ("gpl-3.0", COPYLEFT),
        ("MIT OR GPL-3.0-only", PERMISSIVE),
        ("MIT AND GPL-3.0-only", COPYLEFT),
        ("MIT AND (LGPL-2.1-only OR AGPL-3.0-only)", WEAK_COPYLEFT),
        ("AGPL-3.0-or-later", NETWORK_COPYLEFT),
        ("GPL-2.0-only WITH Classpath-exception-2.0", COPYLEFT),
        ("MIT AND Nobody-Knows", RESTRICTED),
        ("(" * 50 + "MIT", RESTRICTED),
        ("", RESTRICTED),
    ],
)
def test_how_strict_an_expression_is(expression, rank):
    assert licences.strictness(expression) == rank


@pytest.mark.parametrize(
    ("upstream", "head", "expected"),
    [
        ("MIT", "# SPDX-License-Identifier: GPL-3.0-only", "GPL-3.0-only"),  # the file is stricter
        ("GPL-3.0-only", "# SPDX-License-Identifier: MIT", "GPL-3.0-only"),  # upstream is
        ("mit", "# SPDX-License-Identifier: BSD-3-Clause", "MIT"),  # neither is
        ("NOASSERTION", "# SPDX-License-Identifier: ISC", "ISC"),
        ("", "", "NOASSERTION"),
        ("apache-2.0", "", "Apache-2.0"),
        ("per package", "", "per package"),
    ],
)
def test_the_stricter_word_counts(upstream, head, expected):
    assert licences.reconcile(upstream, head) == expected


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("()+ANDORWITHMIT-20.\n# "), max_size=60))
def test_any_line_after_the_tag_is_an_expression_or_none(line):
    found = licences.spdx_of(f"# SPDX-License-Identifier: {line}")
    if found is not None and "SPDX" not in line and "\n" not in line:
        assert licences.expression_of(found) == found
        assert licences.strictness(found) in range(5)


@pytest.mark.parametrize("head", ["licensed under the " * 500, "(" * 6000, "SPDX-License-Identifier: " + "(" * 6000])
def test_hostile_heads_state_nothing(head):
    assert licences.spdx_of(head) is None
