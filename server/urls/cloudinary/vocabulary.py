"""Words that Cloudinary has and this server has not yet: told apart from misspelt ones, and refused by name."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VIDEO_KEYS = words("ac af br du eo fps ki so sp vc vs")

OBJECTS = words(
    """
    accessory aeroplane animal apple appliance banana baseballbat baseballglove bear bed bench bicycle bird boat book
    bottle bowl broccoli bus cake car carrot cat cellphone chair clock couch cow cup diningtable dog donut electronic
    elephant firehydrant food fork frisbee furniture giraffe hair_drier horse hotdog indoor keyboard kitchen kite knife
    laptop microwave motorbike mouse orange outdoor oven parkingmeter person pizza pottedplant refrigerator remote
    sandwich scissors sheep sink skateboard skis snowboard sofa spoon sportsball stopsign surfboard teddy_bear
    tennisracket tie toaster toilet toothbrush traffic_light train truck tvmonitor vase vehicle wine_glass zebra
    """
)
GRAVITIES = OBJECTS | words(
    """
    adv_eyes adv_face adv_faces adv_ocr aoi body classic custom custom_no_override liquid no_faces none ocr_text subject
    track_person xy_center
    """
)

VIDEO_EFFECTS = words("accelerate boomerang deshake fade loop noise preview progressbar reverse transition volume")

FREE_EFFECTS = words(
    """
    auto_enhance camera enhance extract gen_background_replace gen_fill gen_recolor gen_remove gen_replace gen_restore
    light lightroom upscale zoompan
    """
)

FORMATS = words(
    """
    3ds ai arw auto:animated auto:video bmp bw cr2 cr3 djvu dng eps eps3 ept fbx flif flv glb gltf hdp heic heif ico
    indd jp2 jpc jxl jxr m3u8 mkv mov mp3 mp4 mpd ogv pdf ps psd svg tga tif tiff ts usdz wav wdp webm wmv
    """
)
