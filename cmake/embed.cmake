# Turns files into C arrays: cmake -DOUT=data.c -DFILES=a.tsv,b.tsv [-DHEADER=room/data.h] -P embed.cmake gives
#     const unsigned char data_a[] = {...}; const size_t data_a_size = ...;
# one for each file, named by the file's stem. The array ends in a NUL that the size does not count.
string(REPLACE "," ";" files "${FILES}")
if(NOT HEADER)
	set(HEADER node/io/data.h)
endif()
set(text "#include \"${HEADER}\"\n")
foreach(file ${files})
	get_filename_component(name ${file} NAME_WE)
	file(READ ${file} hex HEX)
	string(LENGTH "${hex}" digits)
	math(EXPR size "${digits} / 2")
	string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
	string(APPEND text "\nconst unsigned char data_${name}[] = {\n${hex}0x00};\n")
	string(APPEND text "const size_t data_${name}_size = ${size};\n")
endforeach()
file(WRITE ${OUT} "${text}")
