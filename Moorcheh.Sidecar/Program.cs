using Moorcheh.Http;
using Moorcheh.Sidecar;

if (args is ["--help"] or ["-h"])
{
    SidecarHelp.Write(Console.Out);
    return 0;
}

try
{
    if (MaintenanceCommand.IsAskedFor(args))
    {
        return await MaintenanceCommand.RunAsync(args, Console.Out);
    }

    WebApplication app = SidecarHost.CreateBuilder(args).Build();
    app.UseSidecar();
    app.MapMoorcheh();
    if (app.Services.GetRequiredService<SidecarSettings>().Sidecar.Artifacts)
    {
        app.MapMoorchehArtifacts();
    }

    app.MapMoorchehFallback();
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (SettingsException e)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
catch (IOException e) when (e.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}
