"""Words that Cloudinary has and this server has not yet: told apart from misspelt ones, and refused by name."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VIDEO_KEYS = words("ac af br du eo fps ki so sp vc vs")

MODES = words("auto auto_pad fill_pad imagga_crop imagga_scale mfit mpad")

ANGLES = words("auto auto_left auto_right ignore")

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

EFFECTS = words(
    """
    accelerate adv_redeye advredeye anti_removal art assist_colorblind auto_brightness auto_color auto_contrast
    auto_enhance background_removal bgremoval blackwhite blue blur_region boomerang brightness_hsb camera cartoonify
    colorize contrast cut_out deshake displace distort dropshadow enhance extract fade fill_light gamma
    gen_background_replace gen_fill gen_recolor gen_remove gen_replace gen_restore gradient_fade green hue improve light
    lightroom loop make_transparent mask multiply negate noise oil_paint opacity_threshold ordered_dither outline
    overlay pixelate pixelate_region preview progressbar recolor red redeye replace_color reverse saturation screen
    sepia shadow shear simulate_colorblind style_transfer theme tint transition trim unsharp_mask upscale vectorize
    vibrance viesus_correct vignette volume zoompan
    """
)

QUALITIES = words("auto:sensitive jpegmini jpegmini:0 jpegmini:1 jpegmini:2")

FORMATS = words(
    """
    3ds ai arw auto:animated auto:video bmp bw cr2 cr3 djvu dng eps eps3 ept fbx flif flv glb gltf hdp heic heif ico
    indd jp2 jpc jxl jxr m3u8 mkv mov mp3 mp4 mpd ogv pdf ps psd svg tga tif tiff ts usdz wav wdp webm wmv
    """
)

FLAGS = words(
    """
    alternate animated any_format apng attachment awebp c2pa clip clip_evenodd cutter draco force_icc getinfo hlsv3
    ignore_mask_channels immutable_cache keep_attribution keep_dar keep_iptc layer_apply lossy mono no_overflow
    no_stream original png24 png32 png8 preserve_transparency progressive:none rasterize region_relative relative
    replace_image sanitize splice streaming_attachment text_disallow_overflow text_no_trim tiff8_lzw tiled truncate_ts
    waveform
    """
)
