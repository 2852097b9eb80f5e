# SPDX-License-Identifier: GPL-2.0
"""What guests boot instead of Linux, with a disk driver of its own: GRUB, of 64 and of 32 bits."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = "hashsum gcry_sha256 loadenv fat gzio xzio linux echo halt".split()
KINDS = ["x86_64-xen", "i386-xen_pvh"]


def grub(folder, kind):
    """Makes a GRUB that does what grub.cfg says; returns its path."""
    image = f"{folder}/grub-{kind}"
    subprocess.run(["grub-mkimage", "-O", kind, "-c", f"{HERE}/grub.cfg", "-p", "/", "-o", image, *MODULES], check=True)
    return image


def make(folder):
    """Their paths here and in dom0."""
    images = [grub(folder, kind) for kind in KINDS]
    return ["/usr/sbin/mkfs.vfat:/usr/sbin/mkfs.vfat", *(f"{image}:/testbed/{os.path.basename(image)}" for image in images)]
