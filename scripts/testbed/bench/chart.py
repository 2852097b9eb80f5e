# SPDX-License-Identifier: GPL-2.0
def draw(numbers, path):
    pass
