"""Passages that tell licences apart, in the words of the licences themselves, and how files refer to licences by name.

A passage is what stands in a file's head; of long licences it is the notice that the licence itself asks to be put
there.
"""

from __future__ import annotations

import re

# (SPDX identifier, passages that must all be found). Of several that fit, the one with the most passages is meant.
TEMPLATES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "MIT",
        (
            "permission is hereby granted free of charge to any person obtaining a copy of this software and "
            "associated "
            "documentation files the software to deal in the software without restriction including without limitation "
            "the rights to use copy modify merge publish distribute sublicense and or sell copies of the software",
        ),
    ),
    (
        "ISC",
        (
            "permission to use copy modify and or distribute this software for any purpose with or without fee is "
            "hereby "
            "granted provided that the above copyright notice and this permission notice appear in all copies",
        ),
    ),
    (
        "0BSD",
        (
            "permission to use copy modify and or distribute this software for any purpose with or without fee is "
            "hereby "
            "granted the software is provided as is and the author disclaims all warranties",
        ),
    ),
    (
        "BSD-2-Clause",
        (
            "redistribution and use in source and binary forms with or without modification are permitted provided "
            "that "
            "the following conditions are met redistributions of source code must retain the above copyright notice",
        ),
    ),
    (
        "BSD-3-Clause",
        (
            "redistribution and use in source and binary forms with or without modification are permitted provided "
            "that "
            "the following conditions are met redistributions of source code must retain the above copyright notice",
            "used to endorse or promote products derived from this software without specific prior written permission",
        ),
    ),
    (
        "BSD-4-Clause",
        (
            "redistribution and use in source and binary forms with or without modification are permitted provided "
            "that "
            "the following conditions are met redistributions of source code must retain the above copyright notice",
            "used to endorse or promote products derived from this software without specific prior written permission",
            "all advertising materials mentioning features or use of this software must display the following",
        ),
    ),
    (
        "Apache-2.0",
        (
            "licensed under the apache license version 2 0 the license you may not use this file except in compliance "
            "with the license you may obtain a copy of the license at",
        ),
    ),
    (
        "Apache-2.0",
        (
            "apache license version 2 0 january 2004 http www apache org licenses terms and conditions for use "
            "reproduction and distribution",
        ),
    ),
    (
        "GPL-2.0-or-later",
        (
            "free software you can redistribute it and or modify it under the terms of the gnu general public license "
            "as "
            "published by the free software foundation either version 2 of the license or at your option any later "
            "version",
        ),
    ),
    (
        "GPL-3.0-or-later",
        (
            "free software you can redistribute it and or modify it under the terms of the gnu general public license "
            "as "
            "published by the free software foundation either version 3 of the license or at your option any later "
            "version",
        ),
    ),
    (
        "GPL-2.0-only",
        (
            "free software you can redistribute it and or modify it under the terms of the gnu general public license "
            "version 2 as published by the free software foundation",
        ),
    ),
    (
        "GPL-2.0-only",
        ("gnu general public license version 2 june 1991 copyright c 1989 1991 free software foundation inc",),
    ),
    (
        "GPL-3.0-only",
        ("gnu general public license version 3 29 june 2007 copyright c 2007 free software foundation inc",),
    ),
    (
        "LGPL-2.1-or-later",
        (
            "redistribute it and or modify it under the terms of the gnu lesser general public license as published "
            "by the "
            "free software foundation either version 2 1 of the license or at your option any later version",
        ),
    ),
    (
        "LGPL-2.0-or-later",
        (
            "redistribute it and or modify it under the terms of the gnu library general public license as published "
            "by "
            "the free software foundation either version 2 of the license or at your option any later version",
        ),
    ),
    (
        "LGPL-3.0-or-later",
        (
            "redistribute it and or modify it under the terms of the gnu lesser general public license as published "
            "by the "
            "free software foundation either version 3 of the license or at your option any later version",
        ),
    ),
    (
        "AGPL-3.0-or-later",
        (
            "redistribute it and or modify it under the terms of the gnu affero general public license as published "
            "by the "
            "free software foundation either version 3 of the license or at your option any later version",
        ),
    ),
    ("AGPL-3.0-only", ("gnu affero general public license version 3 19 november 2007 copyright c 2007 free software",)),
    (
        "MPL-2.0",
        (
            "this source code form is subject to the terms of the mozilla public license v 2 0 if a copy of the mpl "
            "was "
            "not distributed with this file you can obtain one at",
        ),
    ),
    (
        "MPL-1.1",
        (
            "the contents of this file are subject to the mozilla public license version 1 1 the license you may not "
            "use "
            "this file except in compliance with the license",
        ),
    ),
    (
        "EPL-2.0",
        (
            "this program and the accompanying materials are made available under the terms of the eclipse public "
            "license "
            "2 0 which is available at",
        ),
    ),
    (
        "EPL-1.0",
        (
            "this program and the accompanying materials are made available under the terms of the eclipse public "
            "license "
            "v1 0 which accompanies this distribution",
        ),
    ),
    (
        "BSL-1.0",
        ("distributed under the boost software license version 1 0 see accompanying file license 1 0 txt or copy at",),
    ),
    (
        "BSL-1.0",
        (
            "permission is hereby granted free of charge to any person or organization obtaining a copy of the "
            "software "
            "and accompanying documentation covered by this license",
        ),
    ),
    (
        "Zlib",
        (
            "permission is granted to anyone to use this software for any purpose including commercial applications "
            "and to "
            "alter it and redistribute it freely subject to the following restrictions",
        ),
    ),
    (
        "Unlicense",
        (
            "anyone is free to copy modify publish use compile sell or distribute this software either in source code "
            "form "
            "or as a compiled binary for any purpose commercial or non commercial and by any means",
        ),
    ),
    ("CC0-1.0", ("to the extent possible under law waived all copyright and related or neighboring rights to",)),
    ("WTFPL", ("do what the fuck you want to public license",)),
    (
        "PSF-2.0",
        ("this license agreement is between the python software foundation psf and the individual or organization",),
    ),
    (
        "Artistic-2.0",
        ("under the terms of the artistic license 2 0 you may obtain a copy of the full license at",),
    ),
    (
        "CDDL-1.0",
        (
            "the contents of this file are subject to the terms of the common development and distribution license the "
            "license you may not use this file except in compliance with the license",
        ),
    ),
    ("BUSL-1.1", ("business source license 1 1 terms the licensor hereby grants you the right to copy modify create",)),
    (
        "LicenseRef-proprietary",
        ("unauthorized copying of this file via any medium is strictly prohibited proprietary and confidential",),
    ),
)

# A sentence of the head that names a licence without its text; of several that match the first is meant.
_UNDER = (
    r"(?:\b(?:licen[cs]ed?|released|distributed|available|governed|covered|published|subject)\b[^.\n]{0,60}?"
    r"\b(?:under|by|to)\b|@?\blicen[cs]e[ds]? ?:)[^.\n]{0,60}?"
)
NAMED: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(_UNDER + name, re.IGNORECASE), spdx)
    for name, spdx in (
        (r"\b(?:gnu )?a(?:ffero )?gpl\b", "AGPL-3.0-or-later"),
        (r"\bgnu affero general public licen[cs]e\b", "AGPL-3.0-or-later"),
        (r"\blgpl\W{0,3}v?(?:ersion )?3", "LGPL-3.0-or-later"),
        (r"\b(?:lgpl|gnu (?:lesser|library) general public licen[cs]e)\b", "LGPL-2.1-or-later"),
        (r"\b(?:gpl|gnu general public licen[cs]e)\W{0,3}v?(?:ersion )?3", "GPL-3.0-or-later"),
        (r"\b(?:gpl|gnu general public licen[cs]e)\W{0,3}v?(?:ersion )?2\b(?![^.]{0,30}\blater)", "GPL-2.0-only"),
        (r"\b(?:gpl|gnu general public licen[cs]e)\b", "GPL-2.0-or-later"),
        (r"\bapache(?:[ -]licen[cs]e)?,?[ -]*(?:version |v)?2(?:\.0)?\b", "Apache-2.0"),
        (r"\bmozilla public licen[cs]e\b|\bmpl\b", "MPL-2.0"),
        (r"\beclipse public licen[cs]e\b", "EPL-2.0"),
        (r"\b(?:2|two)[ -]clause bsd\b|\bbsd[ -]2\b|\bsimplified bsd\b", "BSD-2-Clause"),
        (r"\b(?:3|three)[ -]clause bsd\b|\bbsd[ -]3\b|\b(?:new|modified|revised) bsd\b", "BSD-3-Clause"),
        (r"\bbsd(?:-style)? licen[cs]e", "BSD-3-Clause"),
        (r"\bmit\b", "MIT"),
        (r"\bisc licen[cs]e\b", "ISC"),
        (r"\bboost software licen[cs]e\b", "BSL-1.0"),
        (r"\bpython software foundation\b|\bpsf licen[cs]e\b", "PSF-2.0"),
        (r"\bcreative commons zero\b|\bcc0\b", "CC0-1.0"),
        (r"\bcc[ -]by[ -]nc\b|\bnon-?commercial (?:use )?only\b", "CC-BY-NC-4.0"),
        (r"\bzlib licen[cs]e\b", "Zlib"),
        (r"\bunlicense\b", "Unlicense"),
    )
)
# "Dual licensed under MIT and GPL" leaves the choice.
CHOICE = re.compile(r"\b(?:dual|tri|multi)[ -]?licen[cs]ed\b|\beither\b|\bat your option\b", re.IGNORECASE)
PROPRIETARY = re.compile(
    r"\bproprietary and confidential\b|\bconfidential and proprietary\b|\bunauthori[sz]ed (?:copying|use"
    r"|reproduction)\b"
    r"|\bmay not be (?:copied|reproduced|distributed|used) without\b|\bnot for (?:re)?distribution\b",
    re.IGNORECASE,
)
PUBLIC_DOMAIN = re.compile(r"\b(?:is|are|placed|released|dedicated)\b[^.\n]{0,40}\bpublic domain\b", re.IGNORECASE)
