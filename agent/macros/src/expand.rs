//! Writes the tool.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Error, Generics, ItemFn, LitStr, Path, Result, Type, TypeParamBound, parse_quote};

use crate::function::{Argument, Function};
use crate::options::{Options, check_name};

/// `#[tool(options)] item`, or a compile error. `krate` is where `duologue_agent` is by default.
pub fn tool(options: TokenStream, item: TokenStream, krate: Path) -> TokenStream {
    try_tool(options, item, krate).unwrap_or_else(|error| error.to_compile_error())
}

fn try_tool(options: TokenStream, item: TokenStream, krate: Path) -> Result<TokenStream> {
    let options: Options = syn::parse2(options)?;
    let item: ItemFn = syn::parse2(item.clone()).map_err(|_| {
        Error::new_spanned(&item, "`#[tool]` stands on an async function: `#[tool] async fn name(…) { … }`")
    })?;
    let function = Function::new(item)?;
    let krate = options.krate.clone().unwrap_or(krate);
    let implementation = implementation(&options, &function, &krate)?;
    let callable = callable(&function);
    Ok(quote! { #callable #implementation })
}

/// The function's name as a type whose `run` is the function, and as a value that is the tool.
///
/// The value is a function that makes the tool (a function that makes a tool is one). A unit struct
/// would do as well, but no variable or parameter could have its name then.
fn callable(function: &Function) -> TokenStream {
    let mut item = function.item.clone();
    let name = item.sig.ident.clone();
    let vis = item.vis.clone();
    let (about, mut others): (Vec<_>, Vec<_>) =
        std::mem::take(&mut item.attrs).into_iter().partition(|attribute| attribute.path().is_ident("doc"));
    let cfg = cfg(&function.item);
    let run_docs = format!(" Runs `{}` as a function.", name.unraw());
    others.push(parse_quote!(#[doc = #run_docs]));
    item.attrs = others;
    item.sig.ident = Ident::new("run", name.span());
    item.sig.generics = generics(function);
    quote! {
        #(#cfg)*
        #(#about)*
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        #vis struct #name {}

        #(#cfg)*
        #(#about)*
        #[allow(missing_docs)]
        #[must_use]
        #vis fn #name() -> #name {
            #name {}
        }

        #(#cfg)*
        impl #name {
            #item
        }
    }
}

/// The function's own generics, with what a session asks of its userdata.
fn generics(function: &Function) -> Generics {
    let mut generics = function.item.sig.generics.clone();
    for userdata in generics.type_params_mut() {
        userdata.bounds.extend::<[TypeParamBound; 3]>([
            parse_quote!(::core::marker::Send),
            parse_quote!(::core::marker::Sync),
            parse_quote!('static),
        ]);
    }
    generics
}

/// The arguments as a struct, and `impl Tool`.
fn implementation(options: &Options, function: &Function, krate: &Path) -> Result<TokenStream> {
    let name = &function.item.sig.ident;
    let cfg = cfg(&function.item);
    let definition = definition(options, function, krate)?;
    let arguments = arguments(&function.arguments, krate);
    let (userdata, generics) = userdata(function, krate);
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let fields: Vec<_> = function.arguments.iter().map(|argument| &argument.name).collect();
    let context = function.context.as_ref().map(|context| match context.by_reference {
        true => quote!(&__context,),
        false => quote!(__context,),
    });
    // An output that cannot be a tool's is an error where the function says what it returns.
    let place = function.output.as_ref().map_or_else(|| name.span(), Spanned::span);
    let output = quote_spanned! {place=>
        #krate::tool::IntoToolOutput::<#userdata>::into_tool_output(__output)
    };
    Ok(quote! {
        #(#cfg)*
        const _: () = {
            #arguments

            #[#krate::tool::__macro::async_trait]
            impl #impl_generics #krate::tool::Tool<#userdata> for #name #where_clause {
                fn definition(&self) -> #krate::tool::ToolDefinition {
                    #definition
                }

                async fn call(
                    &self,
                    __context: #krate::tool::RunContext<#userdata>,
                    __arguments: #krate::tool::__macro::serde_json::Value,
                ) -> ::core::result::Result<#krate::tool::ToolOutput<#userdata>, #krate::tool::ToolError> {
                    let __Arguments { #(#fields),* } =
                        #krate::tool::parse_arguments::<__Arguments>(__arguments)?;
                    let __output = <#name>::run(#context #(#fields),*).await;
                    #output
                }
            }
        };
    })
}

fn definition(options: &Options, function: &Function, krate: &Path) -> Result<TokenStream> {
    let name = &function.item.sig.ident;
    let tool_name = match &options.name {
        Some(name) => name.clone(),
        None => LitStr::new(&name.unraw().to_string(), name.span()),
    };
    check_name(&tool_name.value()).map_err(|message| Error::new(tool_name.span(), message))?;
    let description = match &options.description {
        Some(text) => text.value(),
        None => function.docs.clone(),
    };
    if description.trim().is_empty() {
        return Err(Error::new(
            name.span(),
            "a tool needs a doc comment: it tells the model when and what for to call it",
        ));
    }
    let effect = options.effect.then(|| quote!(__definition.effect = true;));
    let time_limit = options.time_limit.map(|limit| {
        let (seconds, nanos) = (limit.as_secs(), limit.subsec_nanos());
        quote!(__definition.time_limit = ::core::time::Duration::new(#seconds, #nanos);)
    });
    let output_limit = options.output_limit.map(|limit| quote!(__definition.output_limit = #limit;));
    Ok(quote! {
        #[allow(unused_mut)]
        let mut __definition = #krate::tool::ToolDefinition::new(
            #tool_name,
            #description,
            #krate::tool::parameters::<__Arguments>(),
        );
        #effect #time_limit #output_limit
        __definition
    })
}

fn arguments(arguments: &[Argument], krate: &Path) -> TokenStream {
    let fields = arguments.iter().map(|Argument { name, ty, attributes }| quote!(#(#attributes)* #name: #ty));
    let at = |module: &str| {
        let path = quote!(#krate::tool::__macro).to_string();
        LitStr::new(&format!("{path}::{module}"), Span::call_site())
    };
    let (serde, schemars) = (at("serde"), at("schemars"));
    quote! {
        #[derive(#krate::tool::__macro::serde::Deserialize, #krate::tool::__macro::schemars::JsonSchema)]
        #[serde(crate = #serde)]
        #[schemars(crate = #schemars)]
        struct __Arguments {
            #(#fields),*
        }
    }
}

/// Which sessions the tool fits: their userdata, and the generics of the `impl`.
fn userdata(function: &Function, krate: &Path) -> (Type, Generics) {
    let mut generics = generics(function);
    if let Some(context) = &function.context {
        return (context.userdata.clone().unwrap_or_else(|| parse_quote!(())), generics);
    }
    generics.params.push(parse_quote!(__U: ::core::marker::Send + ::core::marker::Sync + 'static));
    // A hand-off fits one userdata only. It is not asked of other outputs, because their errors
    // would then appear where the tool is used instead of where it is written.
    if let Some(output) = function.output.as_ref().filter(|output| hands_off(output.to_token_stream())) {
        let bound = parse_quote!(#output: #krate::tool::IntoToolOutput<__U>);
        generics.make_where_clause().predicates.push(bound);
    }
    (parse_quote!(__U), generics)
}

fn hands_off(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Handoff" || ident == "dyn",
        TokenTree::Group(group) => hands_off(group.stream()),
        _ => false,
    })
}

/// `#[cfg]`s that stand below `#[tool]`: they hold for everything it writes.
fn cfg(item: &ItemFn) -> Vec<&syn::Attribute> {
    item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(options: &str, item: &str) -> String {
        let parse = |text: &str| text.parse::<TokenStream>().expect("the test's tokens");
        tool(parse(options), parse(item), parse_quote!(::duologue_agent)).to_string()
    }

    #[track_caller]
    fn refused(options: &str, item: &str, because: &str) {
        let expanded = expand(options, item);
        assert!(expanded.contains("compile_error"), "it was accepted: {expanded}");
        assert!(expanded.contains(because), "{expanded}");
        assert!(!expanded.contains("struct"), "an error comes alone: {expanded}");
    }

    #[test]
    fn misuse_is_refused() {
        refused("", "/// D\n fn f() {}", "write `async fn`");
        refused("", "/// D\n async fn f(&self) {}", "FnTool::new");
        refused("", "async fn f() {}", "needs a doc comment");
        refused("", "#[doc = include_str!(\"x\")] async fn f() {}", "description = ");
        refused("", "/// D\n async fn f((a, b): (u8, u8)) {}", "give this argument a name");
        refused("", "/// D\n async fn f(_: u8) {}", "give this argument a name");
        refused("", "/// D\n async fn f(a: &str) {}", "take `String`");
        refused("", "/// D\n async fn f(a: impl Into<String>) {}", "name the type");
        refused("", "/// D\n async fn f() -> impl Sized {}", "name the type");
        refused("", "/// D\n async fn f(a: u8, c: RunContext<()>) {}", "first parameter");
        refused("", "/// D\n async fn f(c: &mut RunContext<()>) {}", "the context is shared");
        refused("", "/// D\n async fn f<T>(a: T) {}", "generic over");
        refused("", "/// D\n async fn f<'a>(a: u8) {}", "generic over");
        refused("", "/// D\n async fn f<U, T>(c: RunContext<U>, a: T) {}", "generic over");
        refused("", "/// D\n async unsafe fn f() {}", "unsafe");
        refused("", "/// D\n async fn f(#[cfg(unix)] a: u8) {}", "cfg");
        refused("", "struct S;", "stands on an async function");
        refused("", "/// D\n async fn größe() {}", "ASCII letters");
    }

    #[test]
    fn a_wrong_option_is_refused() {
        let item = "/// D\n async fn f() {}";
        refused("nmae = \"x\"", item, "unknown option");
        refused("name = \"two words\"", item, "cannot be a tool's name");
        refused("name = 3", item, "is a string");
        refused("name", item, "needs a value");
        refused("effect = true", item, "is a flag");
        refused("effect, effect", item, "given twice");
        refused("time_limit = \"fast\"", item, "a time limit is");
        refused("time_limit = \"10 hours\"", item, "a time limit is");
        refused("time_limit = 0", item, "a time limit is");
        refused("time_limit = \"99999999999999999999s\"", item, "a time limit is");
        refused("output_limit = 0", item, "an output limit is");
        refused("output_limit = -1", item, "an output limit is");
        refused("crate = 1", item, "is a path");
    }

    #[test]
    fn no_option_is_lost() {
        let written = expand(
            "name = \"get-it\", effect, time_limit = \"1500ms\", output_limit = 9, crate = my::agent",
            "/// Gets it.\n async fn get() -> String { String::new() }",
        );
        for part in [
            "\"get-it\"",
            "effect = true",
            "Duration :: new (1u64 , 500000000u32)",
            "output_limit = 9usize",
            "my :: agent :: tool :: Tool",
        ] {
            assert!(written.contains(part), "{part} is missing: {written}");
        }
        assert!(!written.contains("duologue_agent"), "{written}");
        let facade = tool(
            TokenStream::new(),
            quote!(
                #[doc = "D"]
                async fn f() {}
            ),
            parse_quote!(::duologue::agent),
        );
        assert!(facade.to_string().contains(":: duologue :: agent :: tool :: Tool"));
        assert!(expand("time_limit = 2.5", "/// D\n async fn f() {}").contains("(2u64 , 500000000u32)"));
        assert!(expand("time_limit = \"2m\"", "/// D\n async fn f() {}").contains("(120u64 , 0u32)"));
    }

    #[test]
    fn no_attribute_stays_on_a_parameter() {
        let written = expand(
            "",
            "/// D\n #[cfg(unix)] async fn f(/** The city. */ #[serde(default)] #[allow(unused)] mut city: String) {}",
        );
        assert_eq!(written.matches("The city").count(), 1, "{written}");
        assert_eq!(written.matches("serde (default)").count(), 1, "{written}");
        assert_eq!(written.matches("allow (unused)").count(), 1, "{written}");
        assert!(written.matches("cfg (unix)").count() >= 3, "{written}");
    }
}
