# cmake -DOUT=FILE -DNAMES="kPageCss;..." -DFILES="page.css;..." -P embed.cmake
#
# Writes the files into a C++ source, as they are, so that a page needs nothing but itself. A literal is
# cut into pieces, since compilers limit the length of one.
set(text "// Made by reports/pages/embed.cmake.\n\n#include \"reports/pages/assets.h\"\n\nnamespace reports::assets {\n\n")
foreach(name file IN ZIP_LISTS NAMES FILES)
  file(READ ${file} content)
  string(REPLACE "\n\n" "\n)embedded\"\nR\"embedded(\n" content "${content}")
  string(APPEND text "const std::string_view ${name} = R\"embedded(${content})embedded\";\n\n")
endforeach()
file(WRITE ${OUT} "${text}}  // namespace reports::assets\n")
