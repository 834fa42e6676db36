;; What is done to all pixels of a page that PDFium drew, 16 bytes at a time, where they lie in PDFium's memory.
;; Pixels are blue, green, red and a byte that means nothing. `npm run wasm` makes pixels.wasm of this file.
(module
  (import "pdfium" "memory" (memory 1))

  ;; A bit for each byte of four pixels that differs between blue and green or between green and red.
  (func $tints (param $four v128) (result v128)
    (v128.and
      (v128.xor (local.get $four) (i32x4.shr_u (local.get $four) (i32.const 8)))
      (v128.const i32x4 0xffff 0xffff 0xffff 0xffff)))

  ;; The bits in which four pixels differ from white.
  (func $shades (param $four v128) (result v128)
    (v128.andnot
      (v128.const i32x4 0xffffff 0xffffff 0xffffff 0xffffff)
      (local.get $four)))

  ;; Looks over the pixels from one address up to another: 0 all are white, 1 all are gray, 2 one has colour.
  (func (export "look") (param $at i32) (param $end i32) (result i32)
    (local $wide i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $shade v128)
    (local.set $wide
      (i32.add (local.get $at) (i32.and (i32.sub (local.get $end) (local.get $at)) (i32.const -64))))
    (block $ends
      (loop $next
        (br_if $ends (i32.ge_u (local.get $at) (local.get $wide)))
        (local.set $a (v128.load (local.get $at)))
        (local.set $b (v128.load offset=16 (local.get $at)))
        (local.set $c (v128.load offset=32 (local.get $at)))
        (local.set $d (v128.load offset=48 (local.get $at)))
        (if (v128.any_true
              (v128.or
                (v128.or (call $tints (local.get $a)) (call $tints (local.get $b)))
                (v128.or (call $tints (local.get $c)) (call $tints (local.get $d)))))
          (then (return (i32.const 2))))
        (local.set $shade
          (v128.or
            (local.get $shade)
            (call $shades
              (v128.and
                (v128.and (local.get $a) (local.get $b))
                (v128.and (local.get $c) (local.get $d))))))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next)))
    (block $ends
      (loop $next
        (br_if $ends (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (v128.load32_splat (local.get $at)))
        (if (v128.any_true (call $tints (local.get $a))) (then (return (i32.const 2))))
        (local.set $shade (v128.or (local.get $shade) (call $shades (local.get $a))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (br $next)))
    (v128.any_true (local.get $shade)))

  ;; Makes gray pixels one byte each, in place. Reads and writes whole groups of 16 pixels.
  (func (export "toGray") (param $at i32) (param $end i32)
    (local $to i32) (local $blue v128)
    (local.set $to (local.get $at))
    (local.set $blue (v128.const i32x4 0xff 0xff 0xff 0xff))
    (block $ends
      (loop $next
        (br_if $ends (i32.ge_u (local.get $at) (local.get $end)))
        (v128.store
          (local.get $to)
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_u
              (v128.and (v128.load (local.get $at)) (local.get $blue))
              (v128.and (v128.load offset=16 (local.get $at)) (local.get $blue)))
            (i16x8.narrow_i32x4_u
              (v128.and (v128.load offset=32 (local.get $at)) (local.get $blue))
              (v128.and (v128.load offset=48 (local.get $at)) (local.get $blue)))))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next))))

  ;; Makes pixels red, green and blue, in place. Reads and writes whole groups of 16 pixels.
  (func (export "toRgb") (param $at i32) (param $end i32)
    (local $to i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $to (local.get $at))
    (block $ends
      (loop $next
        (br_if $ends (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $a (v128.load (local.get $at)))
        (local.set $b (v128.load offset=16 (local.get $at)))
        (local.set $c (v128.load offset=32 (local.get $at)))
        (local.set $d (v128.load offset=48 (local.get $at)))
        (v128.store
          (local.get $to)
          (i8x16.shuffle 2 1 0 6 5 4 10 9 8 14 13 12 18 17 16 22 (local.get $a) (local.get $b)))
        (v128.store offset=16
          (local.get $to)
          (i8x16.shuffle 5 4 10 9 8 14 13 12 18 17 16 22 21 20 26 25 (local.get $b) (local.get $c)))
        (v128.store offset=32
          (local.get $to)
          (i8x16.shuffle 8 14 13 12 18 17 16 22 21 20 26 25 24 30 29 28 (local.get $c) (local.get $d)))
        (local.set $to (i32.add (local.get $to) (i32.const 48)))
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br $next))))

  ;; How far each byte of four pixels is from the other's.
  (func $apart (param $one v128) (param $other v128) (result v128)
    (i8x16.sub
      (i8x16.max_u (local.get $one) (local.get $other))
      (i8x16.min_u (local.get $one) (local.get $other))))

  ;; The largest of the three differences of each of four pixels.
  (func $most (param $apart v128) (result v128)
    (v128.and
      (i8x16.max_u
        (local.get $apart)
        (i8x16.max_u
          (i32x4.shr_u (local.get $apart) (i32.const 8))
          (i32x4.shr_u (local.get $apart) (i32.const 16))))
      (v128.const i32x4 0xff 0xff 0xff 0xff)))

  ;; Writes how far two drawings differ at each pixel, a byte each, over the first of them. Reads and writes whole groups
  ;; of 16 pixels.
  (func (export "differences") (param $one i32) (param $other i32) (param $end i32)
    (local $to i32)
    (local.set $to (local.get $one))
    (block $ends
      (loop $next
        (br_if $ends (i32.ge_u (local.get $one) (local.get $end)))
        (v128.store
          (local.get $to)
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_u
              (call $most (call $apart (v128.load (local.get $one)) (v128.load (local.get $other))))
              (call $most
                (call $apart (v128.load offset=16 (local.get $one)) (v128.load offset=16 (local.get $other)))))
            (i16x8.narrow_i32x4_u
              (call $most
                (call $apart (v128.load offset=32 (local.get $one)) (v128.load offset=32 (local.get $other))))
              (call $most
                (call $apart (v128.load offset=48 (local.get $one)) (v128.load offset=48 (local.get $other)))))))
        (local.set $to (i32.add (local.get $to) (i32.const 16)))
        (local.set $one (i32.add (local.get $one) (i32.const 64)))
        (local.set $other (i32.add (local.get $other) (i32.const 64)))
        (br $next)))))
