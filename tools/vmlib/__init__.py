# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tools/vm is made of: releases, images, boot."""
